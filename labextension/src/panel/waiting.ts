/**
 * "Waiting for you": a line for each undecided load, and the card in its place when it is reviewed.
 *
 * Each load that comes to wait is announced once. Elements stay with their load, so that the focus stays when others come or go.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import { Card } from '../card/card';
import { button, element, focusOn, uniqueId } from '../card/element';
import { icon } from '../card/icons';
import { answerNewCell, NEW_CELL } from '../card/newCellEvent';
import { plain, strange } from '../card/text';
import { readView, type CardView } from '../card/view';
import type { PanelActions } from './actions';
import { nameOf } from './rowView';
import { RestCard } from './restCard';
import { cellWords, levelStyle, timeWords, waited } from './words';
import type { Approval } from './wire';

export interface WaitingActions extends Pick<PanelActions, 'decide' | 'openCell' | 'putCell' | 'nameOf'> {
  announce: (text: string) => void;
}

interface Item {
  approval: Approval;
  node: HTMLLIElement;
  age: HTMLElement;
  card: { shown: Card; close: () => void } | null;
  sent: boolean;
}

export class Waiting {
  readonly node: HTMLElement;
  private readonly words: TranslationBundle;
  private readonly actions: WaitingActions;
  private readonly count = element('span', { class: 'ct' });
  private readonly title: HTMLElement;
  private readonly only: HTMLElement;
  private readonly list = element('ul');
  private readonly items = new Map<string, Item>();
  private readonly told = new Set<string>();
  private mayDecide = true;

  constructor(words: TranslationBundle, actions: WaitingActions) {
    this.words = words;
    this.actions = actions;
    this.title = element('h4', { class: 'mg-sec', id: uniqueId('waiting') }, words.__('Waiting for you'), ' ', this.count);
    this.only = element('p', { class: 'mg-only mg-2nd' }, words.__('You may see what waits, but not decide it here.'));
    this.node = element('section', { class: 'mg-pend', 'aria-labelledby': this.title.id }, this.title, this.only, this.list);
    this.node.hidden = true;
  }

  show(approvals: readonly Approval[], mayDecide: boolean): void {
    const had = this.node.contains(document.activeElement);
    const again = mayDecide !== this.mayDecide;
    this.mayDecide = mayDecide;
    const now = new Map(approvals.map(approval => [keyOf(approval), approval]));
    for (const [key, item] of this.items) {
      const after = now.get(key);
      if (again || item.approval.waiting !== after?.waiting || item.approval.seen !== after.seen) {
        item.card?.shown.dispose();
        item.node.remove();
        this.items.delete(key);
      }
    }
    for (const approval of approvals) {
      const key = keyOf(approval);
      const item = this.items.get(key);
      if (item === undefined) {
        this.list.append(this.make(approval).node);
        this.tell(key, approval);
      } else {
        item.approval = approval;
      }
    }
    this.count.textContent = String(approvals.length);
    this.only.hidden = mayDecide;
    this.node.hidden = approvals.length === 0;
    this.tick();
    if (had && !this.node.contains(document.activeElement)) {
      // Somebody else may have decided: where nothing waits any more, the focus goes to where the panel begins.
      const title = approvals.length > 0 ? this.title : this.node.closest('.mg-side')?.querySelector<HTMLElement>('.mg-top h3');
      focusOn(title ?? undefined);
    }
  }

  /** Say how long each has waited. */
  tick(now = Date.now()): void {
    for (const { approval, age } of this.items.values()) {
      age.textContent = approval.waiting
        ? this.words.__('waiting %1', waited(now / 1000 - approval.asked))
        : this.words.__('asked %1', timeWords(approval.asked, now));
    }
  }

  /** Show the card of a load, the oldest by default, and go to it; false where nothing waits that this person may decide. */
  review(key?: string): boolean {
    const item = key === undefined ? [...this.items.values()][0] : this.items.get(key);
    if (item === undefined || !this.mayDecide) {
      return false;
    }
    this.openCard(item);
    const title = item.node.querySelector<HTMLElement>('.mg-title');
    title?.focus({ preventScroll: true });
    item.node.scrollIntoView({ block: 'nearest' });
    return true;
  }

  private make(approval: Approval): Item {
    const item: Item = {
      approval,
      node: element('li'),
      age: element('span', { class: 'age' }),
      card: null,
      sent: false
    };
    this.items.set(keyOf(approval), item);
    this.fillLine(item);
    return item;
  }

  private fillLine(item: Item): void {
    const { approval } = item;
    const view = readView(approval.view);
    const { style, icon: shape } = levelStyle(view?.level ?? null);
    const object = view?.object ?? this.words.__('a load');
    const said = [view?.chip ?? '', view === null ? '' : this.wouldDo(view)].filter(part => part !== '').join(' · ');
    const notebook = approval.notebook === null ? '' : this.actions.nameOf(approval.notebook);
    const place = [notebook, cellWords(approval, this.words)].filter(part => part !== '').join(' · ');
    const named = (made: HTMLButtonElement): HTMLButtonElement => {
      made.setAttribute('aria-label', `${made.textContent}: ${plain(object)}`);
      return made;
    };
    const row = element('div', { class: 'mg-row' });
    if (this.mayDecide) {
      const review = button('mg-btn mg-btn--s', () => this.review(keyOf(item.approval)), this.words.__('Review'));
      row.append(named(review));
      const keep = button(
        'mg-btn mg-btn--s',
        () => {
          this.keepBlocked(item, keep);
        },
        this.words.__('Keep blocked')
      );
      row.append(named(keep));
    }
    const open = button(
      'mg-btn mg-btn--s',
      () => {
        this.actions.openCell(item.approval);
      },
      this.words.__('Open cell')
    );
    row.append(named(open));
    item.node.dataset.level = style;
    item.node.className = 'mg-wait';
    item.node.replaceChildren(
      element('div', { class: 'mg-line1' }, icon(shape), nameOf(object), item.age),
      ...lines(
        said,
        place,
        approval.waiting ? '' : this.words.__('The cell has stopped. Your decision counts when it runs again.')
      ),
      row
    );
  }

  private wouldDo({ calls, missed, consequence }: CardView): string {
    const first = calls[0];
    if (first !== undefined) {
      const name = plain(first.name, { name: true });
      return calls.length === 1
        ? this.words.__('would call %1', name)
        : this.words.__('would call %1 and %2 more', name, calls.length - 1);
    }
    return missed.length > 0 ? this.words._n('%1 part not checked', '%1 parts not checked', missed.length) : consequence;
  }

  private openCard(item: Item): void {
    if (item.card !== null) {
      return;
    }
    const host = element('div');
    const { approval } = item; // what is decided is what this card shows, whatever comes later
    const model = new RestCard(approval.view, decision => this.actions.decide(approval, decision));
    const back = button(
      'mg-back mg-fold',
      () => {
        item.card?.close();
        item.node.querySelector('button')?.focus();
      },
      icon('chevron'),
      this.words.__('Close the card')
    );
    const shown = new Card(model, host);
    host.addEventListener(NEW_CELL, event => {
      answerNewCell(event, source => this.actions.putCell(item.approval, source));
    });
    item.node.className = 'mg-reviewed';
    item.node.replaceChildren(host, back);
    item.card = {
      shown,
      close: () => {
        shown.dispose();
        item.card = null;
        this.fillLine(item);
        this.tick();
      }
    };
  }

  private keepBlocked(item: Item, pressed: HTMLButtonElement): void {
    if (item.sent) {
      return;
    }
    item.sent = true;
    pressed.setAttribute('aria-disabled', 'true');
    void this.actions.decide(item.approval, { decision: 'deny' }).then(answer => {
      item.sent = answer.ok;
      if (!answer.ok) {
        pressed.removeAttribute('aria-disabled');
      }
    });
  }

  private tell(key: string, approval: Approval): void {
    if (!this.told.has(key)) {
      this.told.add(key);
      const view = readView(approval.view);
      this.actions.announce(this.words.__('A load waits for you: %1', plain(view?.object ?? '')));
    }
  }
}

export function keyOf(approval: Approval): string {
  return `${approval.session}/${approval.id}`;
}

function lines(...texts: string[]): HTMLElement[] {
  return texts.filter(text => text !== '').map(text => element('p', {}, strange(text)));
}

/**
 * "Waiting for you": a line for each undecided load, and the card in its place when it is reviewed.
 *
 * Each load that comes to wait is announced once. Elements stay with their load, so that the focus stays when others come or go.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import { Card } from '../card/card';
import { button, element, focusOn, uniqueId } from '../card/element';
import { icon } from '../card/icons';
import { plain, strange } from '../card/text';
import { readView, type CardView } from '../card/view';
import type { Answer, Decision } from './api';
import { nameOf } from './rowView';
import { RestCard } from './restCard';
import { cellWords, levelStyle, waited } from './words';
import type { Approval, Decided } from './wire';

export interface WaitingActions {
  decide: (approval: Approval, decision: Decision) => Promise<Answer<Decided>>;
  openCell: (approval: Approval) => void;
  /** How a notebook is called here. */
  nameOf: (notebook: string) => string;
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
  private readonly list = element('ul');
  private readonly items = new Map<string, Item>();
  private readonly told = new Set<string>();
  private mayDecide = true;

  constructor(words: TranslationBundle, actions: WaitingActions) {
    this.words = words;
    this.actions = actions;
    this.title = element('h4', { class: 'mg-sec', id: uniqueId('waiting') }, words.__('Waiting for you'), ' ', this.count);
    this.node = element('section', { class: 'mg-pend', 'aria-labelledby': this.title.id }, this.title, this.list);
    this.node.hidden = true;
  }

  show(approvals: readonly Approval[], mayDecide: boolean): void {
    const had = this.node.contains(document.activeElement);
    const again = mayDecide !== this.mayDecide;
    this.mayDecide = mayDecide;
    const keys = new Set(approvals.map(keyOf));
    for (const [key, item] of this.items) {
      if (!keys.has(key) || again || item.approval.waiting !== approvals.find(one => keyOf(one) === key)?.waiting) {
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
      const time = waited(now / 1000 - approval.asked);
      age.textContent = approval.waiting ? this.words.__('waiting %1', time) : this.words.__('stopped %1 ago', time);
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
      ...lines(said, place, approval.waiting ? '' : this.words.__('The cell has stopped: a decision counts when it runs again.')),
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
    const model = new RestCard(item.approval.view, decision => this.actions.decide(item.approval, decision));
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

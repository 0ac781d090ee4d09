/**
 * One view of one card: draws the state that the kernel names, and sends the one decision.
 *
 * Nothing here lets a load go on by itself: no timer, no default button, no single key. Esc keeps the load blocked while the focus is
 * inside. A card whose kernel is gone becomes a line that does nothing.
 */

import { actions } from './actions';
import { checking, showProgress } from './checking';
import { button, element, nameAfter, uniqueId } from './element';
import { factList } from './facts';
import { foot } from './foot';
import { head, titleText } from './head';
import { lookOf } from './level';
import type { CardModel, CardState } from './model';
import { receipt, type Ending } from './receipt';
import { readFacts, readView, type CardView } from './view';
import { words } from './words';
import { wouldBox } from './wouldBox';

/** Set by ipywidgets on a widget whose kernel is gone, or never was there: a saved notebook that was opened to be read. */
const DISCONNECTED = 'jupyter-widgets-disconnected';

export class Card {
  private readonly model: CardModel;
  private readonly host: HTMLElement;
  private readonly root: HTMLElement;
  private readonly observer: MutationObserver;
  private drawn: CardState | Ending | null = null;
  private decided = false;
  private alerted = false;

  /** `root` is the widget's own element, which says whether its kernel is there. */
  constructor(model: CardModel, host: HTMLElement, root: HTMLElement = host) {
    this.model = model;
    this.host = host;
    this.root = root;
    this.model.on('change:state', this.update);
    this.model.on('change:view', this.redraw);
    this.model.on('change:receipt', this.reword);
    this.model.on('change:progress', this.advance);
    this.model.on('change:late', this.tellLate);
    this.model.on('comm_live_update', this.update);
    this.observer = new MutationObserver(this.update);
    this.observer.observe(root, { attributes: true, attributeFilter: ['class'] });
    this.update();
  }

  dispose(): void {
    this.observer.disconnect();
    this.model.off('change:state', this.update);
    this.model.off('change:view', this.redraw);
    this.model.off('change:receipt', this.reword);
    this.model.off('change:progress', this.advance);
    this.model.off('change:late', this.tellLate);
    this.model.off('comm_live_update', this.update);
  }

  private readonly redraw = (): void => {
    this.drawn = null;
    this.update();
  };

  /** The line may come before the state that shows it, and must not unlock a card that was answered. */
  private readonly reword = (): void => {
    if (this.drawn !== null && isEnding(this.drawn)) {
      this.redraw();
    }
  };

  private readonly advance = (): void => {
    if (this.drawn === 'checking') {
      showProgress(this.host, this.model.get('progress'));
    }
  };

  /** Lines that came after the card go below the others; nothing that somebody opened or chose is drawn anew. */
  private readonly tellLate = (): void => {
    const facts = factList(readFacts(this.model.get('late')));
    if (facts !== null) {
      this.host.querySelector('.mg-late')?.replaceChildren(facts);
    }
  };

  private readonly update = (): void => {
    const state = this.model.get('state');
    const ended = isEnding(state);
    const shown = !ended && this.root.closest(`.${DISCONNECTED}`) !== null ? this.lost() : state;
    if (shown === this.drawn) {
      return;
    }
    const from = this.drawn;
    this.drawn = shown;
    if (shown === 'deciding' && from === 'stopped') {
      this.lock();
      return;
    }
    this.decided = shown === 'deciding';
    const focused = this.host.contains(document.activeElement);
    const view = readView(this.model.get('view'));
    if (isEnding(shown)) {
      this.host.replaceChildren(receipt(view, shown, this.model.get('receipt')));
      if (focused) {
        this.host.querySelector('button')?.focus({ preventScroll: true });
      }
      return;
    }
    this.host.replaceChildren(this.section(view, shown));
    this.advance();
    this.tellLate();
    if (shown === 'deciding') {
      this.lock();
    } else if (shown === 'stopped') {
      this.announce(focused);
    }
  };

  /** A kernel that was there and is gone was restarted or has died; a notebook that is only read never had one. */
  private lost(): Ending {
    return this.drawn === null || this.drawn === 'disconnected' ? 'disconnected' : 'abandoned';
  }

  private section(view: CardView | null, state: CardState): HTMLElement {
    const titleId = uniqueId('title');
    const level = state === 'checking' ? 'info' : view === null ? 'unseen' : lookOf(view.level).style;
    const section = element('section', {
      class: 'mg mg-card',
      role: 'group',
      'data-level': level,
      'data-lm-suppress-shortcuts': 'true'
    });
    section.addEventListener('keydown', event => {
      if (event.key === 'Escape' && !event.isComposing) {
        event.preventDefault();
        event.stopPropagation();
        this.deny();
      }
    });
    if (state === 'checking') {
      section.append(...checking(view, titleId, this.deny));
    } else if (view === null) {
      section.append(...this.unreadable(titleId));
    } else {
      if (!this.alerted) {
        section.append(element('p', { class: 'mg-sr', role: 'alert' }, titleText(view)));
        this.alerted = true;
      }
      section.append(
        ...[
          head(view, titleId),
          wouldBox(view),
          factList(view.facts),
          element('div', { class: 'mg-late', role: 'status' }),
          actions(view, { allow: this.allow, deny: this.deny }),
          ...foot(view)
        ].filter(part => part !== null)
      );
    }
    // Two cards on one page have the same title more often than not.
    nameAfter(section, titleId, '.mg-obj', '.mg-foot .mg-num');
    return section;
  }

  /** A view that cannot be read is never guessed at: the only way is to keep the load blocked. */
  private unreadable(titleId: string): HTMLElement[] {
    const keep = button('mg-btn', this.deny, words.__('Keep blocked'));
    keep.dataset.decides = '';
    return [
      element(
        'div',
        { class: 'mg-head' },
        element('span'),
        element(
          'h3',
          { class: 'mg-title', id: titleId, tabindex: '-1' },
          words.__('Stopped before loading · this card cannot be drawn')
        )
      ),
      element('div', { class: 'mg-do' }, element('div', { class: 'mg-row' }, keep))
    ];
  }

  private readonly allow = (approval: { reason: string; scope: string; finding: string }): void => {
    if (this.open()) {
      this.model.send({ token: this.model.get('token'), decision: 'allow', ...approval });
      this.lock();
    }
  };

  private readonly deny = (instead?: string): void => {
    if (this.open()) {
      const way = instead === undefined ? {} : { instead };
      this.model.send({ token: this.model.get('token'), decision: 'deny', ...way });
      this.lock();
    }
  };

  private open(): boolean {
    return !this.decided && (this.drawn === 'stopped' || this.drawn === 'checking');
  }

  /** A decision is on its way: what was answered stays to be read, and nothing can be pressed twice. */
  private lock(): void {
    this.decided = true;
    for (const panel of this.host.querySelectorAll<HTMLElement>('[data-run-panel]')) {
      panel.dataset.locked = 'true';
      for (const input of panel.querySelectorAll<HTMLInputElement | HTMLSelectElement>('input, select')) {
        input.disabled = true;
      }
    }
    for (const pressed of this.host.querySelectorAll('[data-decides], .mg-btn--run')) {
      pressed.setAttribute('aria-disabled', 'true');
    }
    this.host.querySelector('section')?.setAttribute('aria-busy', 'true');
    this.host.querySelector('[data-hint]')?.replaceChildren(words.__('Sent to the kernel'));
  }

  /** Move the focus to the title only where the person already is: in this cell. */
  private announce(focused: boolean): void {
    requestAnimationFrame(() => {
      const active = document.activeElement;
      const cell = this.host.closest('.jp-Cell');
      if (focused || cell?.contains(active) === true) {
        this.host.querySelector<HTMLElement>('.mg-title')?.focus({ preventScroll: true });
      }
    });
  }
}

function isEnding(state: CardState | Ending): state is Ending {
  return state === 'disconnected' || state === 'receipt' || state === 'denied' || state === 'stale' || state === 'abandoned';
}

/** One of several loads that wait together: its row, and the one decision that it sends. */

import { actions } from './actions';
import { button, disclosure, element, uniqueId } from './element';
import { factList } from './facts';
import { icon } from './icons';
import { lookOf, shapeOf } from './level';
import type { CardModel } from './model';
import { SIGN } from './receipt';
import type { Approval } from './runPanel';
import { plain, strange, strangeName } from './text';
import { readView, type CardView } from './view';
import { words } from './words';
import { wouldBox } from './wouldBox';

const EVENTS = ['change:state', 'change:view', 'change:receipt', 'comm_live_update'];

export interface LoadRowActions {
  /** Whether the kernel that waits is there. */
  connected: () => boolean;
  changed: () => void;
}

export class LoadRow {
  readonly item = element('li', { 'data-level': 'none' });
  readonly model: CardModel;
  private readonly actions: LoadRowActions;
  private drawn = '';
  private sent = false;

  constructor(model: CardModel, actions: LoadRowActions) {
    this.model = model;
    this.actions = actions;
    for (const event of EVENTS) {
      model.on(event, actions.changed);
    }
  }

  dispose(): void {
    for (const event of EVENTS) {
      this.model.off(event, this.actions.changed);
    }
  }

  get view(): CardView | null {
    return readView(this.model.get('view'));
  }

  get state(): string {
    const state = this.model.get('state');
    const open = state === 'stopped' || state === 'deciding' || state === 'checking';
    return open && !this.actions.connected() ? 'abandoned' : state;
  }

  /** Draw the row where it says something else than before; true where the button that had the focus is gone. */
  update(): boolean {
    const { state } = this;
    const drawn = `${state} ${this.model.get('receipt')}`;
    if (drawn === this.drawn) {
      return false;
    }
    this.drawn = drawn;
    this.sent = this.sent && state === 'deciding';
    const focused = this.item.contains(document.activeElement);
    if (state !== 'stopped' && state !== 'deciding') {
      this.drawDecided(state);
      return focused;
    }
    const keep = this.drawOpen();
    if (state === 'deciding') {
      this.lock();
    }
    if (focused) {
      keep.focus({ preventScroll: true });
    }
    return false;
  }

  readonly deny = (instead?: string): void => {
    const way = instead === undefined ? {} : { instead };
    this.decide(() => {
      this.model.send({ token: this.model.get('token'), decision: 'deny', ...way });
    });
  };

  private readonly allow = (approval: Approval): void => {
    this.decide(() => {
      this.model.send({ token: this.model.get('token'), decision: 'allow', ...approval });
    });
  };

  private decide(send: () => void): void {
    if (!this.sent && this.state === 'stopped') {
      send();
      this.lock();
    }
  }

  private drawDecided(state: string): void {
    const line = plain(this.model.get('receipt')).replace(SIGN, '');
    this.item.dataset.level = 'none';
    this.item.replaceChildren(
      icon(state === 'receipt' ? 'ran' : state === 'denied' ? 'kept' : 'gone'),
      element(
        'div',
        {},
        element(
          'div',
          { class: 'top' },
          element('span', {}, this.name(), element('span', { class: 'mg-2nd' }, ` · ${words.__('Decided')}`))
        ),
        element('p', { class: 'mg-2nd' }, line === '' ? words.__('Not decided · nothing was loaded') : strange(line))
      )
    );
  }

  /** Draw a load that waits; its first button is handed back. */
  private drawOpen(): HTMLElement {
    const { view } = this;
    const name = this.name();
    const keep = button(
      'mg-btn mg-btn--s',
      () => {
        this.deny();
      },
      words.__('Keep blocked')
    );
    keep.dataset.decides = '';
    keep.setAttribute('aria-describedby', name.id);
    const more = button('mg-more', () => undefined, icon('chevron'), words.__('Details and other choices'));
    more.setAttribute('aria-describedby', name.id);
    const panel = element('div', { class: 'mg-panel' });
    disclosure(more, panel, () =>
      view === null ? [] : [wouldBox(view), factList(view.facts), actions(view, { allow: this.allow, deny: this.deny })]
    );
    const told = view === null ? '' : ` · ${view.chip} · ${view.place}`;
    this.item.dataset.level = view === null ? 'unseen' : lookOf(view.level).style;
    this.item.replaceChildren(
      icon(view === null ? 'unseen' : shapeOf(view)),
      element(
        'div',
        {},
        element('div', { class: 'top' }, element('span', {}, name, element('span', { class: 'mg-2nd' }, strange(told)))),
        element('p', { class: 'mg-2nd' }, strange(view === null ? words.__('This load cannot be drawn.') : summary(view)))
      ),
      element('div', { class: 'mg-row' }, keep, more),
      panel
    );
    return keep;
  }

  private name(): HTMLElement {
    const { view } = this;
    const object = view === null || view.object === '' ? words.__('a load') : view.object;
    return element('span', { id: uniqueId('name') }, strangeName(object, 'mg-strong'));
  }

  /** A decision is on its way: nothing can be pressed twice. */
  private lock(): void {
    this.sent = true;
    for (const input of this.item.querySelectorAll<HTMLInputElement | HTMLSelectElement>('input, select')) {
      input.disabled = true;
    }
    for (const pressed of this.item.querySelectorAll('[data-decides], .mg-btn--run')) {
      pressed.setAttribute('aria-disabled', 'true');
    }
    for (const panel of this.item.querySelectorAll<HTMLElement>('[data-run-panel]')) {
      panel.dataset.locked = 'true';
    }
  }
}

/** The first calls in one line, and that something was not checked. */
function summary({ calls, missed, would }: CardView): string {
  const names = calls
    .slice(0, 3)
    .map(call => `${plain(call.name, { name: true })}${call.count > 0 ? ` ×${call.count}` : ''}`)
    .join(', ');
  const more = calls.length - 3;
  const parts = [
    more > 0
      ? words._n('Would call %2 and %1 more.', 'Would call %2 and %1 more.', more, names)
      : words.__('Would call %1.', names),
    `${would}.`
  ];
  return parts.filter((_part, index) => (index === 0 ? calls : missed).length > 0).join(' ');
}

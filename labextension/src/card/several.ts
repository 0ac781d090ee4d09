/**
 * Several loads that wait at the same time, in one card: a row and a decision each.
 *
 * The others can be kept blocked together, never allowed together. A row that was decided says so and stays.
 */

import { actions } from './actions';
import { button, disclosure, element, nameAfter, uniqueId } from './element';
import { factList } from './facts';
import { icon } from './icons';
import { lookOf, shapeOf } from './level';
import type { CardModel } from './model';
import { SIGN } from './receipt';
import type { Approval } from './runPanel';
import { plain, strange, strangeName } from './text';
import { readView, type CardView } from './view';
import { wouldBox } from './wouldBox';

const DISCONNECTED = 'jupyter-widgets-disconnected';
const ORDER = ['dangerous', 'runs_code', 'uninspected', 'forbidden', 'note', 'data_only'] as const;

interface Row {
  model: CardModel;
  item: HTMLLIElement;
  drawn: string;
  sent: boolean;
}

export class Several {
  private readonly host: HTMLElement;
  private readonly root: HTMLElement;
  private readonly rows: Row[] = [];
  private readonly list = element('ul', { class: 'mg-loads' });
  private readonly title = element('h3', { class: 'mg-title', id: uniqueId('title'), tabindex: '-1' });
  private readonly sub = element('div', { class: 'mg-sub' });
  private readonly mark = element('span', { class: 'mg-mark' });
  private readonly numbers = element('span', { class: 'mg-num' });
  private readonly alert = element('p', { class: 'mg-sr', role: 'alert' });
  private readonly keep = button('mg-btn', () => {
    this.denyAll();
  });
  private readonly section: HTMLElement;
  private readonly observer: MutationObserver;

  constructor(host: HTMLElement, root: HTMLElement) {
    this.host = host;
    this.root = root;
    const zone = element(
      'div',
      { class: 'mg-do' },
      element('div', { class: 'mg-row' }, this.keep),
      element('p', { class: 'mg-2nd' }, 'Each file that can run code needs its own decision.')
    );
    this.section = element(
      'section',
      {
        class: 'mg mg-card',
        role: 'group',
        'data-level': 'runs',
        'data-lm-suppress-shortcuts': 'true'
      },
      this.alert,
      element('div', { class: 'mg-head' }, this.mark, this.title, this.sub),
      this.list,
      zone,
      element('div', { class: 'mg-foot' }, this.numbers, element('span', {}, element('kbd', {}, 'Esc'), ' keeps it blocked'))
    );
    nameAfter(this.section, this.title.id, '.mg-foot .mg-num');
    this.section.addEventListener('keydown', event => {
      if (event.key === 'Escape' && !event.isComposing) {
        event.preventDefault();
        event.stopPropagation();
        const row = this.rows.find(one => one.item.contains(document.activeElement));
        if (row === undefined) {
          this.denyAll();
        } else {
          this.deny(row);
        }
      }
    });
    this.host.replaceChildren(this.section);
    this.observer = new MutationObserver(this.update);
    this.observer.observe(root, { attributes: true, attributeFilter: ['class'] });
  }

  add(model: CardModel): void {
    if (this.rows.some(row => row.model === model)) {
      return;
    }
    const item = element('li', { 'data-level': 'none' });
    this.rows.push({ model, item, drawn: '', sent: false });
    this.list.append(item);
    for (const event of ['change:state', 'change:view', 'change:receipt', 'comm_live_update']) {
      model.on(event, this.update);
    }
    this.update();
  }

  dispose(): void {
    this.observer.disconnect();
    for (const row of this.rows) {
      for (const event of ['change:state', 'change:view', 'change:receipt', 'comm_live_update']) {
        row.model.off(event, this.update);
      }
    }
  }

  private readonly update = (): void => {
    for (const row of this.rows) {
      const state = this.stateOf(row);
      const drawn = `${state} ${row.model.get('receipt')}`;
      if (drawn === row.drawn) {
        continue;
      }
      row.drawn = drawn;
      row.sent = row.sent && state === 'deciding';
      this.draw(row, readView(row.model.get('view')), state);
    }
    this.sum();
  };

  private stateOf(row: Row): string {
    const state = row.model.get('state');
    const open = state === 'stopped' || state === 'deciding' || state === 'checking';
    return open && this.root.closest(`.${DISCONNECTED}`) !== null ? 'abandoned' : state;
  }

  private draw(row: Row, view: CardView | null, state: string): void {
    const focused = row.item.contains(document.activeElement);
    const name = element('span', { id: uniqueId('name') });
    name.append(strangeName(view === null || view.object === '' ? 'a load' : view.object, 'mg-strong'));
    if (state !== 'stopped' && state !== 'deciding') {
      row.item.dataset.level = 'none';
      const line = plain(row.model.get('receipt')).replace(SIGN, '');
      row.item.replaceChildren(
        icon(state === 'receipt' ? 'ran' : state === 'denied' ? 'kept' : 'gone'),
        element(
          'div',
          {},
          element('div', { class: 'top' }, element('span', {}, name, element('span', { class: 'mg-2nd' }, ' · Decided'))),
          element('p', { class: 'mg-2nd' }, line === '' ? 'Not decided · nothing was loaded' : strange(line))
        )
      );
      if (focused) {
        this.title.focus({ preventScroll: true });
      }
      return;
    }
    const keep = button(
      'mg-btn mg-btn--s',
      () => {
        this.deny(row);
      },
      'Keep blocked'
    );
    keep.dataset.decides = '';
    keep.setAttribute('aria-describedby', name.id);
    const more = button('mg-more', () => undefined, icon('chevron'), 'Details and other choices');
    more.setAttribute('aria-describedby', name.id);
    const panel = element('div', { class: 'mg-panel' });
    disclosure(more, panel, () =>
      view === null
        ? []
        : [
            wouldBox(view),
            factList(view.facts),
            actions(view, {
              allow: approval => {
                this.allow(row, approval);
              },
              deny: instead => {
                this.deny(row, instead);
              }
            })
          ]
    );
    row.item.dataset.level = view === null ? 'unseen' : lookOf(view.level).style;
    row.item.replaceChildren(
      icon(view === null ? 'unseen' : shapeOf(view)),
      element(
        'div',
        {},
        element(
          'div',
          { class: 'top' },
          element(
            'span',
            {},
            name,
            element('span', { class: 'mg-2nd' }, strange(view === null ? '' : ` · ${view.chip} · ${view.place}`))
          )
        ),
        element('p', { class: 'mg-2nd' }, strange(view === null ? 'This load cannot be drawn.' : summary(view)))
      ),
      element('div', { class: 'mg-row' }, keep, more),
      panel
    );
    if (state === 'deciding') {
      this.lock(row);
    }
    if (focused) {
      keep.focus({ preventScroll: true });
    }
  }

  /** The title, the count of what is decided, and the button for the rest. */
  private sum(): void {
    const open = this.rows.filter(row => this.stateOf(row) === 'stopped');
    const views = this.rows.map(row => readView(row.model.get('view')));
    const decided = this.rows.length - open.length;
    const counts = ORDER.map(level => [level, views.filter(view => view?.level === level).length] as const).filter(
      ([, number]) => number > 0
    );
    const parts = counts.map(([level, number]) => `${number} ${SAID[level]}`);
    this.title.replaceChildren(`Stopped before loading ${this.rows.length} files · `, element('em', {}, parts.join(', ')));
    const said = this.title.textContent;
    if (this.alert.textContent !== said) {
      this.alert.textContent = said;
    }
    const worst = counts[0]?.[0] ?? 'runs_code';
    this.section.dataset.level = lookOf(worst).style;
    this.mark.replaceChildren(icon(lookOf(worst).icon));
    this.numbers.textContent = views.map(view => (view === null ? '#?' : `#${plain(view.id)}`)).join(' ');
    this.sub.textContent = `${decided} of ${this.rows.length} decided`;
    this.keep.textContent = decided === 0 ? `Keep all ${open.length} blocked` : `Keep the other ${open.length} blocked`;
    this.keep.hidden = open.length < 2;
  }

  private allow(row: Row, approval: Approval): void {
    if (!row.sent && this.stateOf(row) === 'stopped') {
      row.model.send({ token: row.model.get('token'), decision: 'allow', ...approval });
      this.lock(row);
    }
  }

  private deny(row: Row, instead?: string): void {
    if (!row.sent && this.stateOf(row) === 'stopped') {
      const way = instead === undefined ? {} : { instead };
      row.model.send({ token: row.model.get('token'), decision: 'deny', ...way });
      this.lock(row);
    }
  }

  private denyAll(): void {
    for (const row of this.rows) {
      this.deny(row);
    }
  }

  private lock(row: Row): void {
    row.sent = true;
    for (const input of row.item.querySelectorAll<HTMLInputElement | HTMLSelectElement>('input, select')) {
      input.disabled = true;
    }
    for (const pressed of row.item.querySelectorAll('[data-decides], .mg-btn--run')) {
      pressed.setAttribute('aria-disabled', 'true');
    }
    for (const panel of row.item.querySelectorAll<HTMLElement>('[data-run-panel]')) {
      panel.dataset.locked = 'true';
    }
  }
}

const SAID: Record<(typeof ORDER)[number], string> = {
  dangerous: 'would run a command',
  runs_code: 'can run code',
  uninspected: 'could not be checked',
  forbidden: 'forbidden',
  note: 'with nothing found',
  data_only: 'with nothing found'
};

function summary(view: CardView): string {
  const calls = view.calls
    .slice(0, 3)
    .map(call => `${plain(call.name, { name: true })}${call.count > 0 ? ` ×${call.count}` : ''}`);
  const more = view.calls.length - calls.length;
  const said = calls.length > 0 ? `Would call ${calls.join(', ')}${more > 0 ? ` and ${more} more` : ''}. ` : '';
  return said + (view.missed.length > 0 ? `${view.would}.` : '');
}

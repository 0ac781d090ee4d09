/**
 * Several loads that wait at the same time, in one card: a row and a decision each.
 *
 * The others can be kept blocked together, never allowed together. A row that was decided says so and stays.
 */

import { button, element, nameAfter, uniqueId } from './element';
import { escHint } from './foot';
import { icon } from './icons';
import { lookOf } from './level';
import { LoadRow } from './loadRow';
import type { CardModel } from './model';
import { plain } from './text';
import type { CardView, Level } from './view';
import { words } from './words';

const DISCONNECTED = 'jupyter-widgets-disconnected';
const ORDER: readonly Level[] = ['dangerous', 'runs_code', 'uninspected', 'forbidden', 'note', 'data_only'];

export class Several {
  private readonly root: HTMLElement;
  private readonly rows: LoadRow[] = [];
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
    this.root = root;
    const zone = element(
      'div',
      { class: 'mg-do' },
      element('div', { class: 'mg-row' }, this.keep),
      element('p', { class: 'mg-2nd' }, words.__('Each file that can run code needs its own decision.'))
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
      element('div', { class: 'mg-foot' }, this.numbers, escHint())
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
          row.deny();
        }
      }
    });
    host.replaceChildren(this.section);
    this.observer = new MutationObserver(this.update);
    this.observer.observe(root, { attributes: true, attributeFilter: ['class'] });
  }

  add(model: CardModel): void {
    if (this.rows.some(row => row.model === model)) {
      return;
    }
    const connected = (): boolean => this.root.closest(`.${DISCONNECTED}`) === null;
    const row = new LoadRow(model, { connected, changed: this.update });
    this.rows.push(row);
    this.list.append(row.item);
    this.update();
  }

  dispose(): void {
    this.observer.disconnect();
    for (const row of this.rows) {
      row.dispose();
    }
  }

  private readonly update = (): void => {
    for (const row of this.rows) {
      if (row.update()) {
        this.title.focus({ preventScroll: true });
      }
    }
    this.sum();
  };

  /** The title, the count of what is decided, and the button for the rest. */
  private sum(): void {
    const all = this.rows.length;
    const open = this.rows.filter(row => row.state === 'stopped').length;
    const views = this.rows.map(row => row.view);
    const counts = ORDER.map(level => [level, views.filter(view => view?.level === level).length] as const).filter(
      ([, number]) => number > 0
    );
    const stopped = words._n('Stopped before loading %1 file', 'Stopped before loading %1 files', all);
    this.title.replaceChildren(
      `${stopped} · `,
      element('em', {}, counts.map(([level, number]) => countWords(level, number)).join(', '))
    );
    const said = this.title.textContent;
    if (this.alert.textContent !== said) {
      this.alert.textContent = said;
    }
    const worst = counts[0]?.[0] ?? 'runs_code';
    this.section.dataset.level = lookOf(worst).style;
    this.mark.replaceChildren(icon(lookOf(worst).icon));
    this.numbers.textContent = views.map(numberOf).join(' ');
    this.sub.textContent = words._n('%2 of %1 decided', '%2 of %1 decided', all, all - open);
    this.keep.textContent =
      open === all
        ? words._n('Keep it blocked', 'Keep all %1 blocked', open)
        : words._n('Keep the other one blocked', 'Keep the other %1 blocked', open);
    this.keep.hidden = open < 2;
  }

  private denyAll(): void {
    for (const row of this.rows) {
      row.deny();
    }
  }
}

function numberOf(view: CardView | null): string {
  return view === null ? '#?' : `#${plain(view.id)}`;
}

function countWords(level: Level, number: number): string {
  switch (level) {
    case 'dangerous':
      return words._n('%1 would run a command', '%1 would run a command', number);
    case 'runs_code':
      return words._n('%1 can run code', '%1 can run code', number);
    case 'uninspected':
      return words._n('%1 could not be checked', '%1 could not be checked', number);
    case 'forbidden':
      return words._n('%1 forbidden', '%1 forbidden', number);
    case 'note':
    case 'data_only':
      return words._n('%1 with nothing found', '%1 with nothing found', number);
  }
}

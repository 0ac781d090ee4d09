/** One group of the list: its line, and those of its rows that are near. Rows keep their element, and so the focus, wherever they go. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { button, element, uniqueId } from '../card/element';
import { icon } from '../card/icons';
import { plain, strange } from '../card/text';
import type { GroupShape, Heights, Near } from './geometry';
import { fillRow } from './rowView';
import type { Row } from './wire';

export interface ListGroup extends GroupShape {
  key: string;
  label: string;
}

interface RowView {
  item: HTMLLIElement;
  button: HTMLButtonElement;
  drawn: string;
  /** Undefined while it is being fetched. */
  row: Row | undefined;
}

export class GroupView {
  readonly section: HTMLElement;
  private readonly words: TranslationBundle;
  private readonly open: (row: Row) => void;
  private readonly label = element('span', { class: 'mg-name' });
  private readonly count = element('span', {});
  private readonly list = element('ul', { id: uniqueId('group') });
  private readonly head: HTMLButtonElement;
  private rows = new Map<number, RowView>();
  private named: string | null = null;

  constructor(key: string, words: TranslationBundle, toggle: () => void, open: (row: Row) => void) {
    this.words = words;
    this.open = open;
    this.head = button('mg-group', toggle, icon('chevron'), this.label, this.count);
    this.head.setAttribute('aria-controls', this.list.id);
    this.head.dataset.row = '-1';
    this.section = element('div', { class: 'mg-group-of' }, this.head, this.list);
    this.section.dataset.group = key;
  }

  show(group: ListGroup, at: Near, heights: Heights, rowAt: (index: number) => Row | undefined): void {
    this.section.style.top = `${at.top}px`;
    this.section.style.height = `${at.height}px`;
    if (this.named !== group.label) {
      this.named = group.label;
      this.label.replaceChildren(...pathPieces(group.label));
      this.list.setAttribute('aria-label', plain(group.label));
    }
    this.count.textContent = String(group.count);
    this.head.setAttribute('aria-expanded', String(group.open));
    this.list.hidden = !group.open;
    const wanted = new Map<number, Row | undefined>();
    for (let index = at.first; index < at.last; index++) {
      wanted.set(index, rowAt(index));
    }
    this.assign(wanted);
    let next: Element | null = this.list.firstElementChild;
    for (const [index, one] of this.rows) {
      this.fill(one, wanted.get(index), index, group.count, heights);
      if (one.item === next) {
        next = next.nextElementSibling;
      } else {
        place(this.list, one, next);
      }
    }
  }

  /** The button of a row, or of the group itself where the number is negative. */
  buttonAt(row: number): HTMLButtonElement | undefined {
    return row < 0 ? this.head : this.rows.get(row)?.button;
  }

  /** Rows that are drawn, by their number. */
  get drawn(): Iterable<[number, Row | undefined]> {
    return [...this.rows].map(([index, one]) => [index, one.row]);
  }

  /** Give each wanted row its element: the one it has, the one that was kept for it while it was fetched, or another. */
  private assign(wanted: ReadonlyMap<number, Row | undefined>): void {
    const before = this.rows;
    const known = new Map<string, RowView>();
    for (const one of before.values()) {
      if (one.row !== undefined) {
        known.set(identity(one.row), one);
      }
    }
    const taken = new Set<RowView>();
    const found = new Map<number, RowView>();
    for (const [index, row] of wanted) {
      const same = row === undefined ? undefined : known.get(identity(row));
      if (same !== undefined && !taken.has(same)) {
        found.set(index, same);
        taken.add(same);
      }
    }
    this.rows = new Map();
    for (const [index, row] of wanted) {
      const kept = before.get(index);
      const fits = kept !== undefined && !taken.has(kept) && (kept.row === undefined || row === undefined);
      const one = found.get(index) ?? (fits ? kept : this.make());
      taken.add(one);
      this.rows.set(index, one);
    }
    for (const one of before.values()) {
      if (!taken.has(one)) {
        one.item.remove();
      }
    }
  }

  private make(): RowView {
    const made: RowView = {
      item: element('li'),
      button: button('mg-item', () => {
        if (made.row !== undefined) {
          this.open(made.row);
        }
      }),
      drawn: '',
      row: undefined
    };
    made.item.append(made.button);
    return made;
  }

  private fill(one: RowView, row: Row | undefined, index: number, count: number, heights: Heights): void {
    one.item.style.top = `${index * heights.row}px`;
    one.item.setAttribute('aria-posinset', String(index + 1));
    one.item.setAttribute('aria-setsize', String(count));
    one.button.dataset.row = String(index);
    one.row = row;
    const drawn = row === undefined ? 'none' : JSON.stringify(row);
    if (one.drawn !== drawn) {
      one.drawn = drawn;
      fillRow(one.button, row, this.words);
    }
  }
}

/** A path in two pieces: where there is no room its folders are cut, not the name that tells notebooks apart. */
function pathPieces(path: string): HTMLElement[] {
  const name = path.lastIndexOf('/') + 1;
  const folders = strange(path.slice(0, name));
  folders.classList.add('mg-head-of');
  return [folders, strange(path.slice(name))];
}

export function identity(row: Row): string {
  return `${row.session}/${row.id}`;
}

/** Moving an element takes the focus off it, so it is put back. */
function place(list: Element, one: RowView, next: Element | null): void {
  const focused = one.button === document.activeElement;
  list.insertBefore(one.item, next);
  if (focused) {
    one.button.focus({ preventScroll: true });
  }
}

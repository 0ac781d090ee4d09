/**
 * The list of records in groups by notebook, of which only what is near the window is in the page.
 *
 * Rows and groups are buttons; the list is one stop of Tab, and arrows, Home, End and the page keys walk through it. What has the focus
 * keeps it, whatever arrives above, and what is read stays where it is on the screen.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import { element } from '../card/element';
import { anchorOf, drift } from './anchor';
import { near, stepped, topOf, totalHeight, type Heights, type Near, type Place } from './geometry';
import { GroupView, type ListGroup } from './listGroup';
import { Viewport } from './viewport';
import type { Row } from './wire';

export interface ListSource {
  groups: readonly ListGroup[];
  row: (group: number, index: number) => Row | undefined;
  beginDrawing: () => void;
}

export interface ListActions {
  toggle: (group: ListGroup) => void;
  open: (row: Row) => void;
}

/** Heights in letters of the panel, so that they grow with it. */
const ROW = 5;
const GROUP = 2.3;

export class List {
  readonly node = element('div', { class: 'mg-list' });
  private readonly scroller: HTMLElement;
  private readonly seen: Viewport;
  private readonly words: TranslationBundle;
  private readonly actions: ListActions;
  private source: ListSource = { groups: [], row: () => undefined, beginDrawing: () => undefined };
  private readonly drawn = new Map<string, GroupView>();
  private heights: Heights = { group: 30, row: 65 };
  private current: { key: string; row: number } = { key: '', row: -1 };
  private frame = 0;

  constructor(scroller: HTMLElement, words: TranslationBundle, actions: ListActions) {
    this.scroller = scroller;
    this.seen = new Viewport(scroller, this.node);
    this.words = words;
    this.actions = actions;
    this.scroller.addEventListener('scroll', this.later, { passive: true });
    this.node.addEventListener('keydown', this.onKey);
    this.node.addEventListener('focusin', this.onFocus);
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.scroller.removeEventListener('scroll', this.later);
  }

  show(source: ListSource): void {
    const anchor = anchorOf(this.source.groups, this.heights, this.drawn, this.seen.top);
    this.source = source;
    if (anchor !== null) {
      this.seen.scrollBy(drift(anchor, source.groups, this.heights, source.row, this.seen));
    }
    this.draw();
  }

  /** Draw what is near now; nothing is fetched or changed for what is far. */
  draw = (): void => {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.measure();
    const { groups } = this.source;
    this.source.beginDrawing();
    this.node.style.height = `${totalHeight(groups, this.heights)}px`;
    const { top, height } = this.seen;
    const shown = near(groups, this.heights, top, top + height);
    this.withFocused(shown);
    const kept = new Set(shown.map(one => groups[one.group]?.key ?? ''));
    for (const [key, drawn] of this.drawn) {
      if (!kept.has(key)) {
        drawn.section.remove();
        this.drawn.delete(key);
      }
    }
    let before: Element | null = this.node.firstElementChild;
    for (const one of shown) {
      const group = groups[one.group];
      if (group !== undefined) {
        const drawn = this.viewOf(group.key);
        drawn.show(group, one, this.heights, index => this.source.row(one.group, index));
        if (drawn.section === before) {
          before = before.nextElementSibling;
        } else {
          this.node.insertBefore(drawn.section, before);
        }
      }
    }
    this.rove();
  };

  /** Put the focus back on the record it was on before its detail was opened. */
  focusCurrent(): void {
    const place = this.placeOf(this.current);
    if (place !== null) {
      this.focus(place);
    }
  }

  private readonly later = (): void => {
    if (this.frame === 0) {
      this.frame = requestAnimationFrame(this.draw);
    }
  };

  private measure(): void {
    const letter = Number.parseFloat(getComputedStyle(this.node).fontSize) || 13;
    this.heights = { group: Math.round(letter * GROUP), row: Math.round(letter * ROW) };
    this.node.style.setProperty('--mg-row-height', `${this.heights.row}px`);
    this.node.style.setProperty('--mg-group-height', `${this.heights.group}px`);
  }

  private viewOf(key: string): GroupView {
    const known = this.drawn.get(key);
    if (known !== undefined) {
      return known;
    }
    const toggle = (): void => {
      const group = this.source.groups.find(one => one.key === key);
      if (group !== undefined) {
        this.actions.toggle(group);
      }
    };
    const made = new GroupView(key, this.words, toggle, this.actions.open);
    this.drawn.set(key, made);
    return made;
  }

  /** What has the focus stays in the page, however far it is scrolled away. */
  private withFocused(shown: Near[]): void {
    const active = document.activeElement;
    if (active === null || !this.node.contains(active)) {
      return;
    }
    const place = this.placeOf(this.current);
    const part = shown.find(one => one.group === place?.group);
    if (place !== null && part !== undefined && place.row >= 0) {
      part.first = Math.min(part.first, place.row);
      part.last = Math.max(part.last, place.row + 1);
      if (part.last - part.first > 120) {
        // Too far: the focus goes to the list's edge rather than into nowhere.
        part.first = Math.max(part.first, part.last - 120);
      }
    }
  }

  private readonly onFocus = (event: FocusEvent): void => {
    const target = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-row]') : null;
    const key = target?.closest<HTMLElement>('[data-group]')?.dataset.group;
    if (target !== null && key !== undefined) {
      this.current = { key, row: Number(target.dataset.row) };
      this.rove();
    }
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const place = this.placeOf(this.current);
    const group = place === null ? undefined : this.source.groups[place.group];
    if (place === null || group === undefined || event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    const page = Math.max(1, Math.floor(this.seen.height / this.heights.row) - 1);
    const steps: Partial<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity
    };
    const step = steps[event.key];
    const folds = (event.key === 'ArrowLeft' && group.open) || (event.key === 'ArrowRight' && !group.open);
    if (step !== undefined) {
      this.focus(stepped(this.source.groups, place, step));
    } else if (folds) {
      this.focus({ group: place.group, row: -1 });
      this.actions.toggle(group);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  private focus(place: Place): void {
    const group = this.source.groups[place.group];
    if (group === undefined) {
      return;
    }
    this.current = { key: group.key, row: place.row };
    this.seen.reveal(topOf(this.source.groups, this.heights, place), place.row < 0 ? this.heights.group : this.heights.row);
    this.draw();
    this.buttonAt(group.key, place.row)?.focus({ preventScroll: true });
  }

  private buttonAt(key: string, row: number): HTMLButtonElement | undefined {
    return this.drawn.get(key)?.buttonAt(row);
  }

  private placeOf({ key, row }: { key: string; row: number }): Place | null {
    const group = this.source.groups.findIndex(one => one.key === key);
    const shape = this.source.groups[group];
    return shape === undefined ? null : { group, row: shape.open ? Math.min(row, shape.count - 1) : -1 };
  }

  /** One stop of Tab: where the focus was last, or the first line. */
  private rove(): void {
    const stop = this.buttonAt(this.current.key, this.current.row) ?? this.node.querySelector('button');
    for (const one of this.node.querySelectorAll('button')) {
      one.tabIndex = one === stop ? 0 : -1;
    }
  }
}

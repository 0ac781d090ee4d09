/** Listings: code to read, wrapped and never scrolled sideways, with the lines that matter marked by shape and words. */

import { button, element, focusOn, type Child } from './element';
import { icon } from './icons';
import { strange } from './text';
import type { CodeListing, CodeRow } from './view';
import { words } from './words';

/** Runs of at least this many lines that nothing flags are folded, in listings longer than `LONG_LISTING`. */
const FOLD = 8;
const LONG_LISTING = 40;
const CONTEXT = 2;

export function listing(shown: CodeListing): HTMLElement {
  const block = codeBlock(shown.rows);
  block.prepend(
    element(
      'div',
      { class: 'mg-code-h' },
      element('span', {}, strange(shown.heading)),
      element('span', {}, strange(shown.source))
    )
  );
  return block;
}

export function codeBlock(rows: readonly CodeRow[]): HTMLElement {
  const block = element('div', { class: 'mg-code' });
  for (const run of runs(rows)) {
    if (run.folded) {
      block.append(fold(run.rows));
    } else {
      block.append(...run.rows.flatMap(line));
    }
  }
  return block;
}

interface Run {
  rows: CodeRow[];
  folded: boolean;
}

function runs(rows: readonly CodeRow[]): Run[] {
  if (rows.length <= LONG_LISTING) {
    return [{ rows: [...rows], folded: false }];
  }
  const near = new Set<number>();
  rows.forEach((row, index) => {
    if (row.flagged || row.change !== '') {
      for (let other = index - CONTEXT; other <= index + CONTEXT; other++) {
        near.add(other);
      }
    }
  });
  const made: Run[] = [];
  rows.forEach((row, index) => {
    const folded = !near.has(index);
    const current = made.at(-1);
    if (current?.folded === folded) {
      current.rows.push(row);
    } else {
      made.push({ rows: [row], folded });
    }
  });
  return made.map(run => (run.rows.length < FOLD ? { rows: run.rows, folded: false } : run));
}

/** One line, and what is said of it. */
function line(row: CodeRow): HTMLElement[] {
  const drawn = element(
    'div',
    { class: `mg-ln ${kindOf(row)}`.trim() },
    element('span', { class: 'mk' }, ...mark(row)),
    element('span', { class: 'no' }, row.number > 0 ? String(row.number) : ''),
    strange(row.text, { code: true })
  );
  return row.note === '' ? [drawn] : [drawn, element('div', { class: 'mg-note' }, strange(row.note))];
}

function kindOf(row: CodeRow): string {
  if (row.change !== '') {
    return row.change === '+' ? 'add' : 'del';
  }
  return row.flagged ? 'hit' : '';
}

/** What changed or matters is marked by a shape and by words. */
function mark(row: CodeRow): Child[] {
  if (row.change !== '') {
    const added = row.change === '+';
    return [added ? '+' : '\u2212', element('span', { class: 'mg-sr' }, `${added ? words.__('added:') : words.__('removed:')} `)];
  }
  return row.flagged ? [icon('mark'), element('span', { class: 'mg-sr' }, `${words.__('flagged:')} `)] : [];
}

function fold(rows: CodeRow[]): HTMLElement {
  const show = button(
    'mg-link',
    () => {
      const lines = rows.flatMap(line);
      folded.replaceWith(...lines);
      // The button is gone: keep the reader's place.
      focusOn(lines[0]);
    },
    words.__('Show them')
  );
  const folded = element(
    'div',
    { class: 'mg-ln fold' },
    element('span'),
    element('span', { class: 'no' }, '…'),
    element('span', {}, words._n('%1 line that nothing flags', '%1 lines that nothing flags', rows.length), ' ', show)
  );
  return folded;
}

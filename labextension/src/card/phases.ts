/** What a model's own code would do when: a column for each time, side by side where there is room. */

import { element, uniqueId } from './element';
import { strange } from './text';
import type { PhaseColumn } from './view';
import { words } from './words';

/** `heading` is the element of the headings, as in the box around them. */
export function phases(columns: readonly PhaseColumn[], heading: 'h4' | 'p'): HTMLElement | null {
  if (columns.length === 0) {
    return null;
  }
  return element('div', { class: 'mg-phases' }, ...columns.map(column => drawn(column, heading === 'h4' ? 'h5' : 'p')));
}

function drawn(column: PhaseColumn, heading: 'h5' | 'p'): HTMLElement {
  const id = uniqueId('phase');
  const title = element(
    heading,
    { class: 'mg-strong', id },
    strange(column.title),
    element('span', { class: 'mg-2nd mg-small' }, strange(column.note))
  );
  if (column.rows.length === 0) {
    return element('div', {}, title, element('p', { class: 'mg-2nd' }, words.__('Found nothing here')));
  }
  const rows = column.rows.map(row =>
    element('li', {}, strange(row.text), element('span', { class: 'mg-2nd mg-small' }, strange(row.place, { code: true })))
  );
  if (column.more > 0) {
    rows.push(element('li', { class: 'mg-2nd' }, words.__('%1 more', column.more)));
  }
  return element('div', {}, title, element('ul', { 'aria-labelledby': id }, ...rows));
}

/** "Show what it does": listings, every call, and the opcodes behind them. */

import { listing } from './code';
import { element } from './element';
import { opcodeTable } from './opcodes';
import { strange } from './text';
import { callTree } from './tree';
import type { CallRow, CardView } from './view';
import { words } from './words';

export function details(view: CardView): HTMLElement[] {
  const parts: HTMLElement[] = [];
  if (view.differences.length > 0) {
    parts.push(element('div', {}, element('h4', {}, strange(view.since)), ...view.differences.map(listing)));
  }
  if (view.listings.length > 0) {
    parts.push(
      element(
        'div',
        {},
        element('h4', {}, words._n('What the file does', 'What the files do', view.listings.length)),
        ...view.listings.map(listing)
      )
    );
  }
  if (view.every_call.length > 0) {
    parts.push(element('div', {}, element('h4', {}, words.__('Every call it makes')), callTable(view.every_call)));
  }
  if (view.tree.length > 0) {
    parts.push(callTree(view.tree));
  }
  if (view.opcodes.length > 0) {
    parts.push(opcodeTable(view.opcodes));
  }
  if (parts.length === 0) {
    parts.push(element('p', { class: 'mg-2nd' }, words.__('There is nothing to show: no part of it could be read.')));
  }
  return parts;
}

function callTable(calls: readonly CallRow[]): HTMLElement {
  return element(
    'table',
    { class: 'mg-table' },
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        element('th', { scope: 'col' }, words.__('Call')),
        element('th', { scope: 'col' }, words.__('Times')),
        element('th', { scope: 'col', class: 'opt' }, words.__('Comes from')),
        element('th', { scope: 'col' }, words.__('Judged'))
      )
    ),
    element(
      'tbody',
      {},
      ...calls.map(call =>
        element(
          'tr',
          call.flagged ? { class: 'hit' } : {},
          element('td', {}, strange(call.name, { name: true })),
          element('td', { class: 'mg-num' }, String(call.count)),
          element('td', { class: 'opt' }, strange(call.origin)),
          element('td', {}, strange(call.judged))
        )
      )
    )
  );
}

/** The one tinted box: what would run, or what could not be checked. */

import { codeBlock } from './code';
import { element } from './element';
import { strange } from './text';
import type { CallRow, CardView } from './view';

/** Lines of the listing that the box repeats when a file is dangerous. */
const REPEATED = 3;

export function wouldBox(view: CardView): HTMLElement | null {
  if (view.would === '' && view.calls.length === 0 && view.missed.length === 0) {
    return null;
  }
  const box = element('div', { class: 'mg-would' }, element('h4', {}, strange(view.would)));
  if (view.calls.length + view.missed.length > 0) {
    box.append(element('ul', { class: 'mg-calls' }, ...view.calls.map(callItem), ...view.missed.map(missedItem)));
  }
  const flagged = view.level === 'dangerous' ? (view.listings[0]?.rows.filter(row => row.flagged) ?? []) : [];
  if (flagged.length > 0) {
    const block = codeBlock(flagged.slice(0, REPEATED));
    block.classList.add('mg-code--in-box');
    box.append(block);
  }
  return box;
}

function callItem(call: CallRow): HTMLElement {
  return element(
    'li',
    {},
    strange(call.name, { name: true }),
    element('span', { class: 'n' }, call.count > 0 ? `×${call.count}` : ''),
    element('span', { class: 'mg-2nd' }, strange(call.note))
  );
}

/** "part: why" becomes two columns. */
function missedItem(sentence: string): HTMLElement {
  const cut = sentence.indexOf(': ');
  const [part, why] = cut < 0 ? [sentence, ''] : [sentence.slice(0, cut), sentence.slice(cut + 2)];
  return element(
    'li',
    {},
    strange(part, { code: true }),
    element('span', { class: 'n' }),
    element('span', { class: 'mg-2nd' }, strange(why))
  );
}

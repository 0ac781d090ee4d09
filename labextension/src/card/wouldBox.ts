/** The one tinted box: what would run, or what could not be checked. */

import { codeBlock, listing } from './code';
import { element } from './element';
import { factList } from './facts';
import { phases } from './phases';
import { plain, strange } from './text';
import type { CallRow, CardView, CodeRow } from './view';

/** Lines of the listing that the box repeats when a file is dangerous. */
const REPEATED = 3;

/** `heading` is the element of the headings: a receipt has no title that they could stand under. */
export function wouldBox(view: CardView, heading: 'h4' | 'p' = 'h4'): HTMLElement | null {
  const changed = view.changes.length > 0 ? changes(view, heading) : [];
  const rule = factList(view.rule);
  if (changed.length === 0 && view.would === '' && view.calls.length === 0 && view.missed.length === 0 && rule === null) {
    return null;
  }
  const box = element('div', { class: 'mg-would' }, ...changed, element(heading, { class: 'mg-strong' }, strange(view.would)));
  if (rule !== null) {
    box.append(rule);
  }
  if (view.calls.length + view.missed.length > 0) {
    box.append(element('ul', { class: 'mg-calls' }, ...view.calls.map(callItem), ...view.missed.map(missedItem)));
  }
  const when = phases(view.phases, heading);
  if (when !== null) {
    box.append(when);
  }
  const flagged = view.level === 'dangerous' ? lines(view) : [];
  if (flagged.length > 0) {
    const block = codeBlock(flagged.slice(0, REPEATED));
    block.classList.add('mg-code--in-box');
    box.append(block);
  }
  if (view.remark !== '') {
    box.append(element('p', { class: 'mg-2nd' }, strange(view.remark)));
  }
  return box;
}

/** What is different from what was approved before comes first: it is why this asks again. */
function changes(view: CardView, heading: 'h4' | 'p'): HTMLElement[] {
  const rows = view.changes.map(row =>
    element(
      'li',
      {},
      strange(row.name, { name: true }),
      element('span', { class: 'n' }, `${row.change === '-' ? '\u2212' : plain(row.change)} ${plain(row.what)}`),
      element('span', { class: 'mg-2nd' }, strange(row.note))
    )
  );
  const compared = view.differences.slice(0, 1).map(first => {
    const block = listing(first);
    block.classList.add('mg-code--in-box');
    return block;
  });
  return [
    element(heading, { class: 'mg-strong' }, strange(view.since)),
    element('ul', { class: 'mg-calls' }, ...rows),
    ...compared
  ];
}

/** The flagged lines that do something: an import alone tells nothing that the names above do not. */
function lines(view: CardView): CodeRow[] {
  const flagged = view.listings[0]?.rows.filter(row => row.flagged) ?? [];
  const doing = flagged.filter(row => !/^(from|import) /.test(row.text));
  return doing.length > 0 ? doing : flagged;
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

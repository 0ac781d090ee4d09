/** The table of pickle opcodes: the evidence behind the listing. */

import { button, element, focusOn } from './element';
import { strange } from './text';
import type { TraceStep } from './view';
import { words } from './words';

/** Tables longer than this show the flagged rows and their neighbours until the reader asks for all. */
const LONG_TABLE = 40;
const BEFORE = 4;
const BOOKKEEPING: ReadonlySet<string> = new Set(['BINPUT', 'FRAME', 'LONG_BINPUT', 'MEMOIZE', 'PUT']);

export function opcodeTable(steps: readonly TraceStep[]): HTMLElement {
  const shown = brief(steps);
  const body = element('tbody', {}, ...shown.map(row));
  const table = element(
    'table',
    { class: 'mg-table' },
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        element('th', { scope: 'col', class: 'opt' }, words.__('Byte')),
        element('th', { scope: 'col' }, words.__('Opcode')),
        element('th', { scope: 'col' }, words.__('Argument')),
        element('th', { scope: 'col' }, words.__('What it does'))
      )
    ),
    body
  );
  const part = element('div', {}, element('h4', {}, words.__('Pickle opcodes')), table);
  if (shown.length < steps.length) {
    const left = steps.length - shown.length;
    const more = element('p', { class: 'mg-2nd' }, words._n('%1 opcode is left out.', '%1 opcodes are left out.', left), ' ');
    more.append(
      button(
        'mg-link',
        () => {
          const all = steps.map(row);
          body.replaceChildren(...all);
          more.remove();
          // The button is gone: keep the reader's place.
          focusOn(all[0]);
        },
        words._n('Show all %1 opcode', 'Show all %1 opcodes', steps.length)
      )
    );
    part.append(more);
  }
  return part;
}

function brief(steps: readonly TraceStep[]): readonly TraceStep[] {
  const telling = steps.filter(step => step.flagged || !BOOKKEEPING.has(step.opcode));
  if (telling.length <= LONG_TABLE) {
    return telling;
  }
  const near = telling.filter((_step, index) => telling.slice(index, index + BEFORE).some(later => later.flagged));
  return near.length > 0 ? near : telling.slice(0, LONG_TABLE);
}

function row(step: TraceStep): HTMLElement {
  return element(
    'tr',
    step.flagged ? { class: 'hit' } : {},
    element('td', { class: 'opt mg-num' }, String(step.position)),
    element('td', {}, strange(step.opcode, { name: true })),
    element('td', {}, step.argument === '' ? '' : strange(step.argument, { code: true })),
    element('td', {}, strange(step.meaning, { code: true }))
  );
}

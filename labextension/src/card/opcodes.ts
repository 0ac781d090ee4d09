/** The table of pickle opcodes: the evidence behind the listing. */

import { button, element, focusOn } from './element';
import { strange } from './text';
import type { TraceStep } from './view';

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
        element('th', { scope: 'col', class: 'opt' }, 'Byte'),
        element('th', { scope: 'col' }, 'Opcode'),
        element('th', { scope: 'col' }, 'Argument'),
        element('th', { scope: 'col' }, 'What it does')
      )
    ),
    body
  );
  const part = element('div', {}, element('h4', {}, 'Pickle opcodes'), table);
  if (shown.length < steps.length) {
    const more = element('p', { class: 'mg-2nd' }, `${steps.length - shown.length} opcodes are left out. `);
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
        `Show all ${steps.length} opcodes`
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

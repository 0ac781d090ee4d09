/** The table of pickle opcodes: the evidence behind the listing. */

import { button, element } from './element';
import { strange } from './text';
import type { TraceStep } from './view';

/** Rows shown before the reader asks for all. */
const FIRST = 60;

const MEANING: Readonly<Record<string, string>> = {
  APPEND: 'append to a list',
  APPENDS: 'append several to a list',
  BINPERSID: 'ask the loader for an object kept elsewhere',
  BUILD: 'set the state of an object',
  DICT: 'make a dict',
  EMPTY_DICT: 'make a dict',
  EMPTY_LIST: 'make a list',
  EMPTY_TUPLE: 'make a tuple',
  EXT1: 'look up a registered name',
  EXT2: 'look up a registered name',
  EXT4: 'look up a registered name',
  FRAME: 'start of a block',
  GLOBAL: 'look up a name',
  INST: 'look up a class and call it',
  LIST: 'make a list',
  MARK: 'start of a group',
  MEMOIZE: 'remember this object',
  NEWOBJ: 'make an object of a class',
  NEWOBJ_EX: 'make an object of a class',
  OBJ: 'call a class',
  PERSID: 'ask the loader for an object kept elsewhere',
  POP: 'drop the last object',
  PROTO: 'pickle protocol',
  REDUCE: 'call the function with its arguments',
  SETITEM: 'set an item of a dict',
  SETITEMS: 'set several items of a dict',
  STACK_GLOBAL: 'look up the name just pushed',
  STOP: 'end of the pickle',
  TUPLE: 'pack as a tuple',
  TUPLE1: 'pack the last one as arguments',
  TUPLE2: 'pack the last two as arguments',
  TUPLE3: 'pack the last three as arguments'
};

export function opcodeTable(steps: readonly TraceStep[]): HTMLElement {
  const body = element('tbody', {}, ...steps.slice(0, FIRST).map(row));
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
  if (steps.length > FIRST) {
    const more = element('p', { class: 'mg-2nd' });
    more.append(
      button(
        'mg-link',
        () => {
          const rest = steps.slice(FIRST).map(row);
          body.append(...rest);
          more.remove();
          rest[0]?.setAttribute('tabindex', '-1');
          rest[0]?.focus();
        },
        `Show all ${steps.length} opcodes`
      )
    );
    part.append(more);
  }
  return part;
}

function row(step: TraceStep): HTMLElement {
  return element(
    'tr',
    step.flagged ? { class: 'hit' } : {},
    element('td', { class: 'opt mg-num' }, String(step.position)),
    element('td', {}, strange(step.opcode, { name: true })),
    element('td', {}, step.argument === '' ? '' : strange(step.argument, { code: true })),
    element('td', {}, MEANING[step.opcode] ?? (/UNICODE|STRING/.test(step.opcode) ? 'push text' : 'push or move data'))
  );
}

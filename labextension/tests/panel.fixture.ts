/** What the server would answer, for the panel's tests. */

import type { Approval, Notebooks, Row } from '../src/panel/wire';
import { VIEW } from './card.fixture';

export const words = {
  __: (text: string, ...values: unknown[]) => filled(text, values),
  _n: (one: string, many: string, count: number, ...values: unknown[]) => filled(count === 1 ? one : many, [count, ...values])
} as never;

function filled(text: string, values: unknown[]): string {
  return values.reduce<string>((said, value, index) => said.replaceAll(`%${index + 1}`, String(value)), text);
}

export function row(number: number, changes: Partial<Row> = {}): Row {
  return {
    id: `id${number}`,
    session: 's',
    at: 1_700_000_000 - number,
    name: `model-${number}.pkl`,
    source: `/data/model-${number}.pkl`,
    loader: 'pickle.load',
    call: 'pickle.load(file)',
    notebook: '/root/train.ipynb',
    cell_id: 'c1',
    execution_count: 3,
    line: 2,
    level: 'runs_code',
    outcome: 'blocked',
    by: 'ada',
    reason: null,
    scope: null,
    transport: 'card',
    count: 1,
    size: 1,
    seconds: 0,
    ...changes
  };
}

export function approval(id: string, changes: Partial<Approval> = {}): Approval {
  const view = { ...VIEW, id, object: `${id}.pt` };
  const place = { notebook: '/root/train.ipynb', cell_id: 'c1', execution_count: 7, line: 3 };
  return { id, session: 's', asked: 1_700_000_000, waiting: true, view, seen: `card-${id}`, ...place, ...changes };
}

export function notebooks(count: number, changes: Partial<Notebooks> = {}): Notebooks {
  const listed = count === 0 ? [] : [{ notebook: '/root/train.ipynb', count, latest: 1 }];
  return { total: count, all: count, stopped: 0, levels: { runs_code: count }, notebooks: listed, ...changes };
}

export function reply(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status });
}

import { expect, test } from 'vitest';

import { anchorOf, drift } from '../src/panel/anchor';
import { EVERYTHING } from '../src/panel/filter';
import { FilterBar } from '../src/panel/filterBar';
import { Groups } from '../src/panel/groups';
import type { GroupView } from '../src/panel/listGroup';
import { headerState } from '../src/panel/headerState';
import type { History } from '../src/panel/history';
import { notebooks, row, words } from './panel.fixture';

const HEIGHTS = { group: 30, row: 60 };

function group(count: number): { key: string; label: string; count: number; open: boolean } {
  return { key: 'n', label: 'n', count, open: true };
}

test('the row that is read stays where it is when others arrive above it', () => {
  const drawn = new Map([['n', { drawn: [5, 6, 7].map(index => [index, row(index)] as const) } as unknown as GroupView]]);
  const anchor = anchorOf([group(20)], HEIGHTS, drawn, 340);
  expect(anchor).toEqual({ identity: 's/id6', below: 30 + 6 * 60 - 340 });
  const after = (_group: number, index: number): ReturnType<typeof row> => row(index - 3);
  expect(anchor === null ? 0 : drift(anchor, [group(23)], HEIGHTS, after, { top: 340, height: 400 })).toBe(3 * 60);
});

test("at the list's beginning nothing is held: what is new is to be seen", () => {
  expect(anchorOf([group(20)], HEIGHTS, new Map(), 0)).toBeNull();
});

function history(changes: Partial<History>): History {
  return { overview: notebooks(2), figures: null, problem: null, status: null, frontName: () => null, ...changes } as never;
}

test('the first groups are open, and the one in front, until a person says otherwise', () => {
  const names = ['a', 'b', 'c', 'd', 'e'].map(notebook => ({ notebook, count: 1, latest: 1 }));
  const known = history({ overview: notebooks(5, { notebooks: names }), frontName: () => 'e' });
  const groups = new Groups(words, name => `${name}.ipynb`);
  expect(groups.of(known).map(one => one.open)).toEqual([true, true, true, false, true]);
  groups.toggle(groups.of(known)[0] ?? group(0));
  expect(groups.of(known).map(one => one.open)).toEqual([false, true, true, false, true]);
});

test('a notebook that the history does not know has loaded nothing, and one that nobody tells of is not counted', () => {
  const front = { notebook: 'a', guard: 'guarded' as const, place: 'p' };
  expect(headerState(history({}), front).figures).toEqual({ total: 0, stopped: 0 });
  expect(headerState(history({ overview: null }), front).figures).toBeNull();
  expect(headerState(history({ problem: { kind: 'missing' } as never }), front).figures).toBeNull();
  expect(headerState(history({ status: { place: 'q' } as never }), front).elsewhere).toBe(true);
});

test('a level has a chip once it was there, and keeps it while a text is typed', () => {
  const bar = new FilterBar(words, { change: () => undefined, narrow: () => undefined });
  const shown = (levels: Record<string, number>): (string | undefined)[] => {
    bar.show({ filter: EVERYTHING, levels, canNarrow: true, narrowed: false });
    return [...bar.node.querySelectorAll<HTMLElement>('.mg-fchip:not([hidden])')].map(one => one.dataset.level);
  };
  expect(shown({})).toEqual([]);
  expect(shown({ runs_code: 1, note: 2 })).toEqual(['runs', 'ok']);
  expect(shown({})).toEqual(['runs', 'ok']);
  bar.dispose();
});

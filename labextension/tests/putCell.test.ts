import { PageConfig } from '@jupyterlab/coreutils';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { putCell } from '../src/panel/putCell';
import { Waiting } from '../src/panel/waiting';
import { VIEW } from './card.fixture';
import { approval, words } from './panel.fixture';

Element.prototype.scrollIntoView = () => undefined;

const WAY = { label: 'Take only the weights', note: '', before: 'a', code: 'b', cell: 'import x\nb' };
const brought: string[] = [];
const app = { shell: { activateById: (id: string) => brought.push(id) } } as never;

interface FakePanel {
  id: string;
  context: { localPath: string };
  content: {
    widgets: { model: { id: string } }[];
    model: { readOnly: boolean; sharedModel: { insertCell: (at: number, cell: { source: string }) => void } };
    activeCellIndex: number;
    activate: () => void;
    scrollToItem: () => Promise<void>;
  };
}

/** An open notebook, in which a cell is only its id, and what was put in its source. */
function panel(localPath: string, ids: string[], readOnly = false): FakePanel {
  const widgets = ids.map(id => ({ model: { id } }));
  const insertCell = (at: number, cell: { source: string }): void => {
    widgets.splice(at, 0, { model: { id: cell.source } });
  };
  return {
    id: localPath,
    context: { localPath },
    content: {
      widgets,
      model: { readOnly, sharedModel: { insertCell } },
      activeCellIndex: 0,
      activate: () => undefined,
      scrollToItem: () => Promise.resolve()
    }
  };
}

function put(open: FakePanel[], cell = 'c1'): string | null {
  const tracker = { find: (means: (one: never) => boolean) => open.find(one => means(one as never)) } as never;
  return putCell(app, tracker, { notebook: '/srv/a/train.ipynb', cell_id: cell }, 'rewritten', words);
}

function idsOf(one: FakePanel): string[] {
  return one.content.widgets.map(cell => cell.model.id);
}

beforeEach(() => {
  brought.length = 0;
  PageConfig.setOption('serverRoot', '/srv');
});
afterEach(() => {
  PageConfig.setOption('serverRoot', '');
  document.body.replaceChildren();
});

test('the cell goes below the one that waits, in the notebook of that name, which comes to the front', () => {
  const other = panel('b/train.ipynb', ['c1']);
  const own = panel('a/train.ipynb', ['c0', 'c1', 'c2']);
  expect(put([other, own])).toBeNull();
  expect(idsOf(own)).toEqual(['c0', 'c1', 'rewritten', 'c2']);
  expect(idsOf(other)).toEqual(['c1']);
  expect(own.content.activeCellIndex).toBe(2);
  expect(brought).toEqual(['a/train.ipynb']);
});

test('a renamed notebook is known by its cell', () => {
  const renamed = panel('a/better.ipynb', ['c1']);
  expect(put([renamed])).toBeNull();
  expect(idsOf(renamed)).toEqual(['c1', 'rewritten']);
});

test('what cannot be done is said, and nothing is put anywhere', () => {
  const without = panel('a/train.ipynb', ['c9']);
  const fixed = panel('a/train.ipynb', ['c1'], true);
  expect(put([])).toContain('The notebook is not open here');
  expect(put([without])).toContain('is not in the notebook any more');
  expect(put([fixed])).toContain('cannot be changed');
  expect([...idsOf(without), ...idsOf(fixed)]).toEqual(['c9', 'c1']);
  expect(brought).toEqual([]);
});

function reviewed(answer: string | null): { shown: Waiting; asked: [string, string][]; decide: ReturnType<typeof vi.fn> } {
  const asked: [string, string][] = [];
  const decide = vi.fn().mockResolvedValue({ ok: true, value: {} });
  const shown = new Waiting(words, {
    decide,
    openCell: () => undefined,
    nameOf: name => name,
    announce: () => undefined,
    putCell: (of, source) => {
      asked.push([of.id, source]);
      return answer;
    }
  });
  document.body.append(shown.node);
  shown.show([approval('a', { view: { ...VIEW, safer: [WAY] } })], true);
  shown.review();
  press(shown, 'Take only the weights');
  press(shown, 'Put it in a new cell');
  return { shown, asked, decide };
}

function press(shown: Waiting, label: string): void {
  [...shown.node.querySelectorAll('button')].find(one => one.textContent.startsWith(label))?.click();
}

test("the panel's card puts the cell in and keeps the load blocked", () => {
  const { asked, decide } = reviewed(null);
  expect(asked).toEqual([['a', WAY.cell]]);
  expect(decide).toHaveBeenCalledWith(expect.objectContaining({ id: 'a' }), { decision: 'deny', instead: WAY.label });
});

test('where it cannot, it decides nothing, says why, and shows the whole cell; then it can be pressed again', () => {
  const { shown, asked, decide } = reviewed('The notebook is not open here.');
  const said = shown.node.querySelector('.mg-panel [role=status]');
  expect(said?.textContent).toContain('The notebook is not open here.');
  expect([...(said?.querySelectorAll('.mg-ln') ?? [])].map(line => line.textContent)).toEqual(['import x', 'b']);
  press(shown, 'Put it in a new cell');
  expect(asked).toHaveLength(2);
  expect(decide).not.toHaveBeenCalled();
});

import { ServerConnection } from '@jupyterlab/services';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Api } from '../src/panel/api';
import { asQuery, CHIPS, EVERYTHING, toggled } from '../src/panel/filter';
import { near, stepped, topOf, totalHeight } from '../src/panel/geometry';
import { headerState } from '../src/panel/headerState';
import { History } from '../src/panel/history';
import { isSame, nameInHistory, pathBelow, shownName } from '../src/panel/notebookNames';
import { PAGE, Pages } from '../src/panel/pages';
import { RestCard } from '../src/panel/restCard';
import { outcomeWords, sourceWords, waited } from '../src/panel/words';
import type { Row } from '../src/panel/wire';
import { approval, notebooks, reply, row, words } from './panel.fixture';

function api(answer: (url: string, init: RequestInit) => Response | Promise<Response>): Api {
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost/',
    fetch: async (input, init) => {
      const { url } = input as Request;
      return answer(new URL(url).pathname + new URL(url).search, init ?? {});
    }
  });
  return new Api(settings);
}

describe('Api', () => {
  it('tells a server without the extension from one that has no such record', async () => {
    const absent = await api(() => new Response('<html>', { status: 404 })).status();
    expect(absent).toMatchObject({ ok: false, problem: { kind: 'missing' } });
    const gone = await api(() => reply({ message: 'No such record.', next: 'Look again.' }, 404)).detail(row(1));
    expect(gone).toMatchObject({ ok: false, problem: { kind: 'refused', message: 'No such record.', next: 'Look again.' } });
  });

  it('says that nobody answered, whether the connection fails or a gateway stands before it', async () => {
    const refused = await api(() => Promise.reject(new TypeError('refused'))).approvals();
    expect(refused).toMatchObject({ ok: false, problem: { kind: 'unreachable' } });
    expect(await api(() => new Response('', { status: 502 })).approvals()).toMatchObject({ problem: { kind: 'unreachable' } });
  });

  it('takes an answer of another shape for no answer', async () => {
    expect(await api(() => reply({ approvals: 'none' })).approvals()).toMatchObject({ ok: false, problem: { kind: 'refused' } });
    expect(await api(() => new Response('<html>')).status()).toMatchObject({ ok: false });
  });

  it('keeps what strangers named out of the path of an address', async () => {
    let asked = '';
    await api(url => {
      asked = url;
      return reply({});
    }).delete({ session: '../x', id: 'a?b' });
    expect(asked).toContain('/jupyter-modelguard/scans/..%2Fx/a%3Fb');
  });
});

describe('Filter', () => {
  it('is told as a query, with a level more than once', () => {
    const both = toggled(EVERYTHING, CHIPS[4] ?? CHIPS[0] ?? never());
    expect(asQuery({ ...both, text: ' x y ' })).toBe('?text=x+y&level=data_only&level=note');
    expect(toggled(both, CHIPS[4] ?? never()).levels).toEqual([]);
    expect(asQuery(EVERYTHING)).toBe('');
    expect(asQuery({ ...EVERYTHING, notebook: null })).toBe('?notebook=');
  });
});

describe('Notebook names', () => {
  it('are paths below the root, also where the root is told with a tilde', () => {
    expect(pathBelow('/srv/work', '/srv/work/a/b.ipynb')).toBe('a/b.ipynb');
    expect(pathBelow('~/work', '/home/ada/work/b.ipynb')).toBe('b.ipynb');
    expect(pathBelow('~', '/root/b.ipynb')).toBe('b.ipynb');
    expect(pathBelow('/srv/work', '/srv/works/b.ipynb')).toBeNull();
  });

  it('mean a notebook by its path, and by a bare name only its own', () => {
    expect(isSame('/srv', '/srv/a/b.ipynb', 'a/b.ipynb')).toBe(true);
    expect(isSame('/srv', '/srv/a/b.ipynb', 'b.ipynb')).toBe(false);
    expect(isSame('/srv', 'b.ipynb', 'a/b.ipynb')).toBe(true);
  });

  it("mean what they end with where nobody says where the server's root is", () => {
    expect(pathBelow('', '/srv/a/b.ipynb')).toBeNull();
    expect(isSame('', '/srv/a/b.ipynb', 'a/b.ipynb')).toBe(true);
    expect(isSame('', '/srv/a/b.ipynb', 'c/b.ipynb')).toBe(false);
    expect(shownName('', '/srv/work/a/b.ipynb')).toBe('…/a/b.ipynb');
    expect(shownName('/srv', '/srv/a/b.ipynb')).toBe('a/b.ipynb');
  });

  it('come from the kernel first: a renamed notebook keeps its history', () => {
    const session = { session: 's', kernel: 'k', notebook: '/srv/old.ipynb' } as never;
    expect(nameInHistory('/srv', { path: 'new.ipynb', kernel: 'k' }, [session], [])).toBe('/srv/old.ipynb');
    expect(nameInHistory('/srv', { path: 'x.ipynb', kernel: 'other' }, [session], ['/srv/x.ipynb'])).toBe('/srv/x.ipynb');
    expect(nameInHistory('/srv', { path: 'y.ipynb', kernel: null }, [session], [null])).toBeNull();
  });
});

describe('Geometry', () => {
  const heights = { group: 30, row: 60 };
  const groups = [
    { count: 10_000, open: true },
    { count: 5, open: false },
    { count: 3, open: true }
  ];

  it('draws a window of ten thousand rows, and no more', () => {
    const seen = near(groups, heights, 300_000, 300_900);
    expect(seen).toHaveLength(1);
    const [one] = seen;
    expect((one?.last ?? 0) - (one?.first ?? 0)).toBeLessThan(35);
    expect(topOf(groups, heights, { group: 0, row: one?.first ?? 0 })).toBeLessThan(300_000);
  });

  it('steps over groups that are closed, and stops at both ends', () => {
    expect(stepped(groups, { group: 0, row: 9_999 }, 1)).toEqual({ group: 1, row: -1 });
    expect(stepped(groups, { group: 1, row: -1 }, 1)).toEqual({ group: 2, row: -1 });
    expect(stepped(groups, { group: 0, row: 0 }, -Infinity)).toEqual({ group: 0, row: -1 });
    expect(stepped(groups, { group: 0, row: 0 }, Infinity)).toEqual({ group: 2, row: 2 });
    expect(totalHeight(groups, heights)).toBe(3 * 30 + 10_003 * 60);
  });
});

describe('Pages', () => {
  it('fetches a page once, however many of its rows are asked for', async () => {
    const asked: number[] = [];
    const pages = new Pages(
      (_notebook, limit, offset) => {
        asked.push(offset);
        return Promise.resolve(Array.from({ length: limit }, (_, index) => row(offset + index)));
      },
      () => undefined
    );
    expect(pages.row('n', 0)).toBeUndefined();
    pages.row('n', PAGE - 1);
    await Promise.resolve();
    await Promise.resolve();
    expect(pages.row('n', 5)?.id).toBe('id5');
    expect(asked).toEqual([0]);
  });

  it('takes no answer to a question that was asked before another filter', async () => {
    let answer: (rows: Row[]) => void = () => undefined;
    const pages = new Pages(
      () => new Promise(resolve => (answer = resolve)),
      () => undefined
    );
    pages.row('n', 0);
    pages.clear();
    answer([row(1)]);
    await Promise.resolve();
    expect(pages.row('n', 0)).toBeUndefined();
  });
});

describe('RestCard', () => {
  it('sends what the card says without a token, and can be answered again when that failed', async () => {
    const sent: unknown[] = [];
    const card = new RestCard({}, decision => {
      sent.push(decision);
      return Promise.resolve({ ok: false as const, problem: { kind: 'unreachable' as const, status: 0, message: '', next: '' } });
    });
    card.send({ token: '', decision: 'allow', reason: 'r', scope: 'once', finding: '' });
    expect(card.get('state')).toBe('deciding');
    card.send({ token: '', decision: 'deny' });
    await vi.waitFor(() => {
      expect(card.get('state')).toBe('stopped');
    });
    expect(sent).toEqual([{ decision: 'allow', reason: 'r', scope: 'once', finding: '' }]);
  });
});

describe('Words', () => {
  it('say how a load ended and where it came from', () => {
    expect(outcomeWords(row(1), words)).toBe('kept blocked by ada');
    expect(outcomeWords(row(1, { outcome: 'allowed', scope: 'once' }), words)).toBe('allowed once by ada');
    expect(outcomeWords(row(1, { reason: 'instead: Take only the weights' }), words)).toBe('instead: Take only the weights');
    expect(sourceWords(row(1, { source: 'hf:acme/yolo@4f2c9e1aa' }), words)).toBe('hf: acme/yolo @4f2c9e1');
    expect(sourceWords(row(1, { source: '/home/ada/projects/2026/detectors/weights/a.pt' }), words)).toBe('…/detectors/weights');
    expect(sourceWords(row(1, { source: '/home/ada/a.pt' }), words)).toBe('/home/ada');
    expect(waited(3723)).toBe('1:02:03');
  });
});

describe('History', () => {
  let down = false;
  let absent = false;
  let answers: Record<string, unknown> = {};
  let asked: string[] = [];
  let history: History;

  beforeEach(() => {
    vi.useFakeTimers();
    down = absent = false;
    asked = [];
    answers = {
      approvals: { approvals: [approval('a')] },
      notebooks: notebooks(2),
      status: { version: '1', place: 'p' },
      sessions: { sessions: [] },
      scans: { total: 2, rows: [row(0), row(1)] }
    };
    history = new History(
      api(url => {
        const name = /jupyter-modelguard\/(\w+)/.exec(url)?.[1] ?? '';
        asked.push(name);
        if (down) {
          return Promise.reject(new TypeError('down'));
        }
        return absent ? new Response('<html>', { status: 404 }) : reply(answers[name]);
      })
    );
  });
  afterEach(() => {
    history.dispose();
    vi.useRealTimers();
  });

  it('keeps the last answers with their time, and asks again in the background', async () => {
    await history.look();
    const { asOf } = history;
    expect(history.approvals).toHaveLength(1);
    down = true;
    await history.look();
    expect(history.problem?.kind).toBe('unreachable');
    expect(history.overview?.total).toBe(2);
    expect(history.asOf).toBe(asOf);
    down = false;
    await vi.advanceTimersByTimeAsync(2_100);
    expect(history.problem).toBeNull();
  });

  it('asks a server that does not answer for one thing, and for all again when it does', async () => {
    await history.look();
    down = true;
    await history.look();
    asked = [];
    await vi.advanceTimersByTimeAsync(2_100);
    expect(asked).toEqual(['status']);
    down = false;
    await vi.advanceTimersByTimeAsync(4_100);
    expect(asked).toContain('approvals');
  });

  it('asks a server without the extension once, and again only when a person wants it', async () => {
    absent = true;
    await history.look();
    expect(history.problem?.kind).toBe('missing');
    history.soon();
    history.setFront(null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual(['status']);
    absent = false;
    await history.look();
    expect(history.problem).toBeNull();
    expect(asked.slice(0, 2)).toEqual(['status', 'status']);
    expect(asked).toContain('notebooks');
  });

  it('knows by what waits that the kernel in front does, and by nothing else', async () => {
    const session = {
      session: 's',
      kernel: 'k',
      notebook: null,
      host: 'h',
      pid: 1,
      started: 1,
      ended: null,
      version: '1',
      alive: true
    };
    answers.sessions = { sessions: [session] };
    history.setFront({ kernel: 'k', resolve: () => null });
    await history.look();
    expect(history.frontWaits).toBe(true);
    const front = { notebook: 'train.ipynb', guard: 'unknown', place: null } as const;
    expect(headerState(history, front).guard).toBe('waiting');
    expect(headerState(history, { ...front, guard: 'unguarded' }).guard).toBe('unguarded');
    history.setFront({ kernel: 'another', resolve: () => null });
    expect(headerState(history, front).guard).toBe('unknown');
    history.setFront({ kernel: 'k', resolve: () => null });
    answers.approvals = { approvals: [approval('a', { waiting: false })] };
    await history.look();
    expect(history.frontWaits).toBe(false);
  });

  it('looks once at events that come together', async () => {
    await history.look();
    asked = [];
    for (let number = 0; number < 20; number++) {
      history.soon();
    }
    await vi.advanceTimersByTimeAsync(200);
    expect(asked.filter(name => name === 'approvals')).toHaveLength(1);
  });

  it('looks once more when something happens while it looks', async () => {
    const first = history.look();
    void history.look();
    await first;
    expect(asked.filter(name => name === 'approvals')).toHaveLength(2);
  });
});

function never(): never {
  throw new Error('no such chip');
}

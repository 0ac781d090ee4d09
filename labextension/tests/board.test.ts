import { afterEach, expect, test } from 'vitest';

import { Shown, VIEW, viewWith } from './card.fixture';

afterEach(() => {
  document.body.replaceChildren();
});

const OTHER = {
  ...VIEW,
  id: '11112222',
  object: 'adapter.bin',
  level: 'uninspected',
  chip: 'Not inspected',
  calls: [],
  missed: ['a: b']
};

function joined(...others: unknown[]): Shown {
  const shown = new Shown();
  shown.model.put('others', others);
  return shown;
}

function other(token: string, changes: object = {}): object {
  return { token, view: OTHER, state: 'stopped', receipt: '', ...changes };
}

test('loads that were decided before stand above the one that waits, as text', () => {
  const shown = new Shown();
  shown.model.put('earlier', ['▣ modelguard · <b>first</b>.pt ran 1 unknown function · #1111', 3]);
  const line = shown.host.querySelector('.mg-line');
  expect(line?.textContent).toBe('modelguard · <b>first</b>.pt ran 1 unknown function · #1111');
  expect(line?.querySelector('button')).toBeNull();
  expect(shown.host.querySelectorAll('section').length).toBe(1);
});

test('loads that wait at the same time share one card, with one alert', () => {
  const shown = joined(other('b'), other('c'));
  expect(shown.host.querySelectorAll('section').length).toBe(1);
  expect(shown.host.querySelectorAll('[role=alert]').length).toBe(1);
  expect(shown.host.querySelector('.mg-title')?.textContent).toBe(
    'Stopped before loading 3 files · 1 can run code, 2 could not be checked'
  );
  expect(shown.host.querySelectorAll('.mg-loads > li').length).toBe(3);
  expect(shown.text).toContain('0 of 3 decided');
});

test('each row has a decision of its own, with its own token', () => {
  const shown = joined(other('b'));
  const keeps = Array.from(shown.host.querySelectorAll<HTMLButtonElement>('.mg-loads > li > .mg-row [data-decides]'));
  keeps[1]?.click();
  keeps[1]?.click();
  expect(shown.model.sent).toEqual([{ token: 'b', decision: 'deny' }]);
});

test('a row is allowed with its own answers', () => {
  const shown = joined(other('b'));
  const row = shown.host.querySelectorAll('.mg-loads > li')[1];
  row?.querySelector<HTMLButtonElement>('.mg-row .mg-more')?.click();
  const label = Array.from(row?.querySelectorAll('label') ?? []).find(one => one.textContent.startsWith('I made this file'));
  label?.querySelector('input')?.click();
  row?.querySelector<HTMLButtonElement>('.mg-btn--run')?.click();
  expect(shown.model.sent).toEqual([{ token: 'b', decision: 'allow', reason: 'I made this file', scope: 'once', finding: '' }]);
});

test('the others can be kept blocked together, and nothing allows together', () => {
  const shown = joined(other('b', { state: 'denied', receipt: '▢ modelguard · adapter.bin kept blocked by ada' }), other('c'));
  expect(shown.text).toContain('1 of 3 decided');
  expect(shown.text).toContain('adapter.bin kept blocked by ada');
  shown.button('Keep the other 2 blocked').click();
  expect(shown.model.sent).toEqual([
    { token: 'a-token', decision: 'deny' },
    { token: 'c', decision: 'deny' }
  ]);
  expect(shown.text).not.toMatch(/(allow|run) (all|the other)/i);
});

test('Escape keeps the load blocked whose row has the focus, and all of them elsewhere', () => {
  const shown = joined(other('b'));
  const keeps = shown.host.querySelectorAll<HTMLButtonElement>('.mg-loads > li > .mg-row [data-decides]');
  keeps[1]?.focus();
  shown.press('Escape');
  expect(shown.model.sent).toEqual([{ token: 'b', decision: 'deny' }]);
  keeps[1]?.blur();
  shown.press('Escape');
  expect(shown.model.sent).toEqual([
    { token: 'b', decision: 'deny' },
    { token: 'a-token', decision: 'deny' }
  ]);
});

test('a row that is asked about again can be answered again', () => {
  const shown = joined(other('b'));
  const keep = (): HTMLButtonElement | undefined =>
    shown.host.querySelectorAll<HTMLButtonElement>('.mg-loads > li > .mg-row [data-decides]')[1];
  keep()?.click();
  shown.model.put('others', [other('b', { state: 'deciding' })]);
  keep()?.click();
  shown.model.put('others', [other('b')]);
  keep()?.click();
  expect(shown.model.sent.length).toBe(2);
});

test('rows of a kernel that is gone can do nothing', async () => {
  const shown = joined(other('b'));
  shown.host.classList.add('jupyter-widgets-disconnected');
  await Promise.resolve();
  expect(shown.host.querySelector('[data-decides]')).toBeNull();
  shown.press('Escape');
  expect(shown.model.sent).toEqual([]);
});

test('a load that cannot be drawn can only be kept blocked', () => {
  const shown = joined({ token: 'b' }, 'nonsense');
  const rows = shown.host.querySelectorAll('.mg-loads > li');
  expect(rows.length).toBe(3);
  expect(rows[1]?.querySelector('.mg-btn--run')).toBeNull();
});

test('progress is a bar where the part is known, and a sentence otherwise', () => {
  const shown = new Shown(viewWith({}), 'checking');
  shown.model.put('progress', { percent: 41.4, text: '1.3 of 3.2 GB' });
  expect(shown.host.querySelector('.mg-title')?.textContent).toBe('Checking before loading · 41 %');
  expect(shown.host.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow')).toBe('41');
  shown.model.put('progress', { percent: '100"><img>', text: '<img src=x>\u202e' });
  expect(shown.host.querySelector('[role=progressbar]')).toBeNull();
  expect(shown.host.querySelector('img')).toBeNull();
  expect(shown.text).toContain('<img src=x>\\u202e');
});

test('a kernel that is restarted leaves a line that says so', async () => {
  const shown = new Shown();
  shown.host.classList.add('jupyter-widgets-disconnected');
  await Promise.resolve();
  expect(shown.text).toContain('not decided: the kernel restarted · nothing was loaded');
});

test('the tree of calls is lists in lists, whatever its depths say', () => {
  const node = (depth: number, name: string, flagged = false): object => ({
    depth,
    name,
    arguments: '(<b>)',
    position: 1,
    count: 2,
    flagged
  });
  const shown = new Shown(viewWith({ tree: [node(9, 'a.b'), node(1, 'c.d', true), node(0, 'e'), node(-3, 'f')] as never }));
  shown.button('Show what it does').click();
  const tree = shown.host.querySelector('.mg-tree');
  expect(tree?.querySelectorAll(':scope > li').length).toBe(3);
  expect(tree?.querySelector('li > ul > li')?.textContent).toContain('flagged: c.d(<b>)');
});

test('what changed since the last approval is marked by words, not by colour alone', () => {
  const rows = [
    { number: 1, text: 'same', flagged: false, note: '', change: '' },
    { number: 2, text: 'before', flagged: false, note: '', change: '-' },
    { number: 2, text: '<i>after', flagged: true, note: 'opens a connection', change: '+' }
  ];
  const shown = new Shown(
    viewWith({
      since: 'New since ada trusted it',
      changes: [{ change: '+', what: 'function', name: 'urllib.\u0440equest', note: 'from Python' }],
      differences: [{ heading: '+1 -1', source: 'modeling.py', rows }]
    })
  );
  const box = shown.host.querySelector('.mg-would');
  expect(box?.textContent).toContain('New since ada trusted it');
  expect(box?.textContent).toContain('urllib.\\u0440equest');
  expect(box?.querySelector('.add')?.textContent).toContain('added: 2<i>after');
  expect(box?.querySelector('.del')?.textContent).toContain('removed: 2before');
  expect(box?.querySelector('.mg-note')?.textContent).toBe('opens a connection');
});

test('what code would do stands under its time, each list named by it, and nothing of it is markup', () => {
  const shown = new Shown(
    viewWith({
      phases: [
        { title: 'On import', note: 'at once', rows: [{ text: '<b>\u202eopens', place: 'm\u202e.py:3' }], more: 4 },
        { title: 'Soon after', note: 'later', rows: [], more: 0 }
      ]
    })
  );
  const [first, second] = shown.host.querySelectorAll('.mg-phases > div');
  const list = first?.querySelector('ul');
  expect(document.getElementById(list?.getAttribute('aria-labelledby') ?? '')?.textContent).toContain('On import');
  expect(list?.textContent).toBe('<b>\\u202eopensm\\u202e.py:34 more');
  expect(second?.textContent).toContain('Found nothing here');
});

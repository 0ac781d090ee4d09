import { afterEach, expect, test } from 'vitest';

import { plain, strange, strangeName } from '../src/card/text';
import { Shown, VIEW } from './card.fixture';

afterEach(() => {
  document.body.replaceChildren();
});

test.each([
  ['\u202e', '\\u202e'],
  ['\u200b', '\\u200b'],
  ['\u2066', '\\u2066'],
  ['\ufeff', '\\ufeff'],
  ['\u00a0', '\\xa0'],
  ['\u3164', '\\u3164'],
  ['\ufe0f', '\\ufe0f'],
  ['\u{e0041}', '\\U000e0041'],
  ['\ud800', '\\ud800'],
  ['\x1b', '\\x1b'],
  ['\r', '\\r'],
  ['\n', '\\n'],
  ['\t', '\\t']
])('%o has no ink and is drawn as a box', (character, drawn) => {
  const node = strange(`a${character}b`);
  expect(node.textContent).toBe(`a${drawn}b`);
  expect(node.querySelector('.mg-esc')?.textContent).toBe(drawn);
});

test('a box names what it stands for', () => {
  expect(strange('\u202e').querySelector('.mg-esc')?.getAttribute('title')).toBe('U+202E RIGHT-TO-LEFT OVERRIDE');
});

test('letters of any language are text, except in the names of globals', () => {
  expect(plain('Größe 模型')).toBe('Größe 模型');
  expect(plain('\u043es.system', { name: true })).toBe('\\u043es.system');
});

test('spaces that push the rest out of sight are counted', () => {
  expect(plain(`x = 1${' '.repeat(412)}; import os`)).toBe('x = 1spaces ×412; import os');
  expect(plain(`x${' '.repeat(8)}y`)).toBe(`x${' '.repeat(8)}y`);
});

test('the indentation of code is left alone', () => {
  expect(plain(`${' '.repeat(16)}return`, { code: true })).toBe(`${' '.repeat(16)}return`);
  expect(plain('\treturn', { code: true })).toBe('\treturn');
});

test('marks that are stacked over their line are boxed', () => {
  expect(plain('a\u0301\u0301\u0301\u0301')).toBe('a\u0301\u0301\\u0301\\u0301');
});

test('a long name shows its head, its ending and how much is missing', () => {
  const host = document.createElement('div');
  host.append(strangeName(`${'a'.repeat(210)}.py.pt`));
  expect(host.querySelector('code')?.textContent).toMatch(/^a+… 156 more …a+\.py\.pt$/);
  const opener = host.querySelector('button');
  expect(opener?.textContent).toBe('Show all 216 characters');
  opener?.click();
  expect(host.querySelector<HTMLElement>('.mg-full')?.hidden).toBe(false);
});

test('a name cannot draw the box it is cut with', () => {
  const drawn = strange('a… 170 more …b');
  expect(drawn.querySelector('.mg-esc')).toBeNull();
});

test('markup in any field of a view stays text', () => {
  const hostile = '<img src=x onerror=alert(1)><script>1</script>';
  const row = { name: hostile, count: 1, note: hostile, origin: hostile, judged: hostile, flagged: true };
  const shown = new Shown(
    JSON.stringify({
      ...VIEW,
      ...Object.fromEntries(
        ['title', 'consequence', 'chip', 'object', 'call', 'place', 'would', 'limits'].map(name => [name, hostile])
      ),
      level: 'dangerous',
      calls: [row],
      every_call: [row],
      missed: [`${hostile}: ${hostile}`],
      facts: [{ label: hostile, text: hostile }],
      safer: [{ label: hostile, code: hostile, note: hostile, before: hostile, cell: hostile }],
      reasons: [hostile],
      scopes: [{ value: 'once', label: hostile, button: hostile, hint: hostile, enabled: true }],
      confirm: [hostile],
      listings: [{ heading: hostile, source: hostile, rows: [{ number: 1, text: hostile, flagged: true }] }],
      opcodes: [{ position: 1, opcode: hostile, argument: hostile, flagged: true }]
    })
  );
  for (const opener of shown.host.querySelectorAll<HTMLElement>('[aria-expanded]')) {
    opener.click();
  }
  expect(shown.text).toContain('onerror');
  expect(shown.host.querySelector('img, script, [onerror]')).toBeNull();
});

test('markup in a receipt stays text', () => {
  const shown = new Shown(JSON.stringify(VIEW), 'denied', '<img src=x onerror=alert(1)>');
  expect(shown.text).toContain('<img');
  expect(shown.host.querySelector('img')).toBeNull();
});

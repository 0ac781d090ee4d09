import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { List } from '../src/panel/list';
import { nameOf } from '../src/panel/rowView';
import { Waiting } from '../src/panel/waiting';
import type { Row } from '../src/panel/wire';
import { approval, row, words } from './panel.fixture';

// No layout, nothing to scroll.
Element.prototype.scrollIntoView = () => undefined;

let scroller: HTMLElement;
let list: List;
let opened: Row[];

beforeEach(() => {
  scroller = document.createElement('div');
  document.body.append(scroller);
  opened = [];
  list = new List(scroller, words, { toggle: () => undefined, open: one => opened.push(one) });
  scroller.append(list.node);
});
afterEach(() => {
  list.dispose();
  scroller.remove();
});

function show(rows: readonly Row[], count = rows.length): void {
  const groups = [{ key: 'n', label: 'train.ipynb', count, open: true }];
  list.show({ groups, row: (_group, index) => rows[index], beginDrawing: () => undefined });
}

function buttons(): HTMLButtonElement[] {
  return [...list.node.querySelectorAll<HTMLButtonElement>('.mg-item')];
}

test('ten thousand rows are a few dozen elements, each of which knows its place', () => {
  show(Array.from({ length: 10_000 }, (_, number) => row(number)));
  expect(buttons().length).toBeLessThan(40);
  expect(list.node.querySelector('li')?.getAttribute('aria-setsize')).toBe('10000');
  expect(list.node.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
});

test('the focus stays on its record when another arrives above it', () => {
  show([row(1), row(2)]);
  const second = buttons()[1];
  second?.focus();
  show([row(0), row(1), row(2)]);
  expect(document.activeElement).toBe(second);
  expect(second?.closest('li')?.getAttribute('aria-posinset')).toBe('3');
  expect(buttons().map(one => one.querySelector('.nm')?.textContent)).toEqual(['model-0.pkl', 'model-1.pkl', 'model-2.pkl']);
});

test('arrows walk through the list, and Enter is the press of a button', () => {
  show([row(1), row(2)]);
  list.node.querySelector('button')?.focus();
  const press = (key: string): void => {
    document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  };
  press('ArrowDown');
  press('ArrowDown');
  expect(document.activeElement).toBe(buttons()[1]);
  press('Home');
  expect(document.activeElement?.className).toBe('mg-group');
  buttons()[0]?.click();
  expect(opened.map(one => one.id)).toEqual(['id1']);
});

test('a row that is being fetched takes its record in where it stands', () => {
  const rows: Row[] = [];
  show(rows, 2);
  const first = buttons()[0];
  expect(first?.textContent).toBe('Loading…');
  show([row(1), row(2)]);
  expect(buttons()[0]).toBe(first);
  expect(first?.textContent).toContain('model-1.pkl');
});

test('names of strangers stay text', () => {
  show([row(1, { name: '<img src=x>\u202egnp' })]);
  expect(list.node.querySelector('img')).toBeNull();
  expect(buttons()[0]?.textContent).toContain('\\u202e');
});

function waiting(decide = vi.fn().mockResolvedValue({ ok: true, value: {} })): {
  shown: Waiting;
  said: string[];
  decide: typeof decide;
} {
  const said: string[] = [];
  const shown = new Waiting(words, {
    decide,
    openCell: () => undefined,
    putCell: () => null,
    nameOf: name => name,
    announce: text => said.push(text)
  });
  scroller.append(shown.node);
  return { shown, said, decide };
}

test('each load that comes to wait is told of once', () => {
  const { shown, said } = waiting();
  shown.show([approval('a')], true);
  shown.show([approval('a'), approval('b')], true);
  shown.show([approval('b')], true);
  expect(said).toEqual(['A load waits for you: a.pt', 'A load waits for you: b.pt']);
});

test('the card in review stays as it is when another load comes to wait', () => {
  const { shown } = waiting();
  shown.show([approval('a')], true);
  shown.review();
  const card = shown.node.querySelector('.mg-card');
  shown.show([approval('a'), approval('b')], true);
  expect(shown.node.querySelector('.mg-card')).toBe(card);
  expect(shown.node.querySelector('.ct')?.textContent).toBe('2');
});

test('the card decides through the server, with what was answered and no token', async () => {
  const { shown, decide } = waiting();
  shown.show([approval('a')], true);
  shown.review();
  shown.node.querySelector<HTMLButtonElement>('.mg-card [data-decides]')?.click();
  await Promise.resolve();
  expect(decide).toHaveBeenCalledWith(expect.objectContaining({ id: 'a' }), { decision: 'deny' });
});

test('another card of the same load takes the place of the one that is open, which decides only what it showed', () => {
  const { shown, decide } = waiting();
  shown.show([approval('a')], true);
  shown.review();
  const first = shown.node.querySelector<HTMLButtonElement>('.mg-card [data-decides]');
  shown.show([approval('a', { seen: 'another' })], true);
  expect(first?.isConnected).toBe(false);
  expect(shown.node.querySelector('.mg-card')).toBeNull();
  shown.review();
  shown.node.querySelector<HTMLButtonElement>('.mg-card [data-decides]')?.click();
  expect(decide).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ seen: 'another' }), { decision: 'deny' });
});

test('who may not decide sees what waits, and no way to answer', () => {
  const { shown } = waiting();
  shown.show([approval('a')], false);
  expect([...shown.node.querySelectorAll('button')].map(one => one.textContent)).toEqual(['Open cell']);
  shown.review();
  expect(shown.node.querySelector('.mg-card')).toBeNull();
});

test('a name that is cut keeps its ending, in a piece of its own', () => {
  const pieces = (name: string): (string | null)[] => [...nameOf(name).children].map(one => one.textContent);
  expect(pieces('annual_report.safetensors')).toEqual(['annual_report', '.safetensors']);
  expect(pieces('acme/chat-7b')).toEqual(['acme/chat-7b']);
  expect(pieces(`${'a'.repeat(40)}.final.exe`)).toEqual(['a'.repeat(17), '…', 'final.exe']);
});

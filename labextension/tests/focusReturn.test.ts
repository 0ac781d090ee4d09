import { afterEach, expect, test, vi } from 'vitest';

import { Shown } from './card.fixture';

afterEach(() => {
  document.body.replaceChildren();
});

/** A cell with a card in its output, and a place beside it. */
function inCell(): { shown: Shown; cell: HTMLElement; beside: HTMLButtonElement } {
  const shown = new Shown();
  const cell = document.createElement('div');
  cell.className = 'jp-Cell';
  cell.tabIndex = 0;
  const beside = document.createElement('button');
  document.body.append(cell, beside);
  cell.append(shown.host);
  return { shown, cell, beside };
}

function takeAway(shown: Shown): void {
  shown.host.remove();
  shown.close();
}

test('whoever was in the card is in its cell once the card is gone', async () => {
  const { shown, cell } = inCell();
  shown.button('Keep blocked').focus();
  shown.button('Keep blocked').click();
  takeAway(shown);
  await vi.waitFor(() => {
    expect(document.activeElement).toBe(cell);
  });
});

test('whoever moved on stays there', async () => {
  const { shown, beside } = inCell();
  shown.button('Keep blocked').focus();
  beside.focus();
  takeAway(shown);
  await new Promise(requestAnimationFrame);
  expect(document.activeElement).toBe(beside);
});

test('whoever was nowhere near is not fetched', async () => {
  const { shown } = inCell();
  takeAway(shown);
  await new Promise(requestAnimationFrame);
  expect(document.activeElement).toBe(document.body);
});

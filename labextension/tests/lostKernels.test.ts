import { afterEach, expect, test } from 'vitest';

import { endCards } from '../src/lostKernels';
import { Shown } from './card.fixture';

afterEach(() => {
  document.body.replaceChildren();
});

test.each(['restarting', 'autorestarting', 'dead'])('a kernel that is %s ends the cards that wait for it', async status => {
  const shown = new Shown();
  endCards(document.body, status);
  await Promise.resolve();
  expect(shown.text).toContain('not decided: the kernel restarted · nothing was loaded');
  expect(shown.host.querySelector('[data-decides]')).toBeNull();
});

test.each(['idle', 'busy', 'starting'])('a kernel that is %s leaves them alone', async status => {
  const shown = new Shown();
  endCards(document.body, status);
  await Promise.resolve();
  expect(shown.host.querySelector('[data-decides]')).not.toBeNull();
});

test('a decision that was made stays what it was', async () => {
  const shown = new Shown(undefined, 'denied', 'yolo.pt kept blocked by ada');
  endCards(document.body, 'restarting');
  await Promise.resolve();
  expect(shown.text).toContain('kept blocked by ada');
});

/**
 * Safer ways, as buttons.
 *
 * A safer way never changes what the waiting call returns: it shows the call that would go into the cell instead, and the load stays
 * blocked.
 */

import { button, disclosure, element, type Child } from './element';
import { plain, strange } from './text';
import type { SaferWay } from './view';

export interface SaferRow {
  buttons: HTMLElement[];
  panels: HTMLElement[];
}

export function saferWays(ways: readonly SaferWay[], keepBlocked: () => void): SaferRow {
  const buttons: HTMLElement[] = [];
  const panels: HTMLElement[] = [];
  ways.forEach((way, index) => {
    const opener = button(index === 0 ? 'mg-btn mg-btn--safe' : 'mg-btn', () => undefined, strange(way.label));
    const panel = element('div', { class: 'mg-panel' });
    disclosure(opener, panel, () => contents(way, keepBlocked));
    buttons.push(opener);
    panels.push(panel);
  });
  return { buttons, panels };
}

function contents(way: SaferWay, keepBlocked: () => void): Child[] {
  const copy = button(
    'mg-btn',
    () => {
      void copied(plain(way.code, { code: true }));
      keepBlocked();
    },
    'Copy it and keep this load blocked'
  );
  copy.dataset.decides = '';
  return [
    element('p', {}, 'Put this in the cell instead, and run the cell again. This load stays blocked.'),
    element(
      'div',
      { class: 'mg-code' },
      ...way.code
        .split('\n')
        .map((text, index) =>
          element(
            'div',
            { class: 'mg-ln' },
            element('span', { class: 'mk' }),
            element('span', { class: 'no' }, String(index + 1)),
            strange(text, { code: true })
          )
        )
    ),
    element('div', { class: 'mg-row' }, copy)
  ];
}

/** Put text on the clipboard; true when the browser let us. */
export async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

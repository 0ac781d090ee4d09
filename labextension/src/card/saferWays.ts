/**
 * Safer ways, as buttons.
 *
 * A safer way never changes what the waiting call returns: it shows the lines as they are and as they would be, and puts the rewritten
 * cell below this one or copies it. The load stays blocked.
 */

import { button, disclosure, element, type Child } from './element';
import { askForCell } from './newCellEvent';
import { plain, strange } from './text';
import type { SaferWay } from './view';

export interface SaferRow {
  buttons: HTMLElement[];
  panels: HTMLElement[];
}

/** Keeps the load blocked, and says which way was taken instead. */
export type KeepBlocked = (instead: string) => void;

export function saferWays(ways: readonly SaferWay[], keepBlocked: KeepBlocked): SaferRow {
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

function contents(way: SaferWay, keepBlocked: KeepBlocked): Child[] {
  const buttons = element('div', { class: 'mg-row' });
  if (way.cell !== '') {
    buttons.append(
      taking('mg-btn mg-btn--safe', 'Put it in a new cell and keep this load blocked', made =>
        Promise.resolve(askForCell(made, way.cell) ? null : 'There is no notebook to put it in')
      )
    );
  }
  const text = way.cell === '' ? way.code : way.cell;
  buttons.append(
    taking('mg-btn', 'Copy it and keep this load blocked', async () =>
      (await copied(
        text
          .split('\n')
          .map(line => plain(line, { code: true }))
          .join('\n')
      ))
        ? null
        : 'The browser did not allow it'
    )
  );
  return [
    way.note === '' ? null : element('p', {}, strange(way.note)),
    element('div', { class: 'mg-code' }, ...lines(way.before, '−', 'as it is: '), ...lines(way.code, '+', 'as it would be: ')),
    element('p', { class: 'mg-2nd' }, 'This load stays blocked. Nothing runs until you run the cell.'),
    buttons
  ];

  /** A button that hands the code over, and keeps the load blocked only once the person has it. */
  function taking(
    className: string,
    words: string,
    take: (made: HTMLButtonElement) => Promise<string | null>
  ): HTMLButtonElement {
    const made = button(
      className,
      () => {
        void take(made).then(problem => {
          if (problem === null) {
            keepBlocked(way.label);
          } else {
            made.textContent = problem;
          }
        });
      },
      words
    );
    made.dataset.decides = '';
    return made;
  }
}

function lines(text: string, mark: string, said: string): HTMLElement[] {
  return text === ''
    ? []
    : text
        .split('\n')
        .map(line =>
          element(
            'div',
            { class: 'mg-ln' },
            element('span', { class: 'mk' }),
            element(
              'span',
              { class: 'no' },
              element('span', { 'aria-hidden': 'true' }, mark),
              element('span', { class: 'mg-sr' }, said)
            ),
            strange(line, { code: true })
          )
        );
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

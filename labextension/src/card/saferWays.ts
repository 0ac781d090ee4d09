/**
 * Safer ways, as buttons.
 *
 * A safer way never changes what the waiting call returns: it shows the lines as they are and as they would be, and puts the rewritten
 * cell below this one or copies it. The load stays blocked. Where the cell cannot be put anywhere, nothing is decided, and the whole of it
 * is shown.
 */

import { copied } from './clipboard';
import { button, disclosure, element, type Child } from './element';
import { askForCell } from './newCellEvent';
import { plain, strange } from './text';
import type { SaferWay } from './view';
import { words } from './words';

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
  const take = (): void => {
    keepBlocked(way.label);
  };
  const problem = element('div', { class: 'mg-problem', role: 'status' });
  return [
    way.note === '' ? null : element('p', {}, strange(way.note)),
    element(
      'div',
      { class: 'mg-code' },
      ...lines(way.before, '−', words.__('as it is:')),
      ...lines(way.code, '+', words.__('as it would be:'))
    ),
    element('p', { class: 'mg-2nd' }, words.__('This load stays blocked. Nothing runs until you run the cell.')),
    element(
      'div',
      {},
      element('div', { class: 'mg-row' }, way.cell === '' ? null : putting(way, problem, take), copying(way, take)),
      problem
    )
  ];
}

/** Hands the cell to the notebook, and keeps the load blocked only once it is there. */
function putting({ cell }: SaferWay, place: HTMLElement, take: () => void): HTMLElement {
  const made = button(
    'mg-btn mg-btn--safe',
    () => {
      const problem = askForCell(made, cell);
      if (problem === null) {
        take();
      } else {
        place.replaceChildren(
          element('p', {}, strange(problem)),
          element('p', { class: 'mg-2nd' }, words.__('The whole cell:')),
          wholeCell(cell)
        );
      }
    },
    words.__('Put it in a new cell and keep this load blocked')
  );
  made.dataset.decides = '';
  return made;
}

/** Hands the code to the clipboard, and keeps the load blocked only once it is there. */
function copying(way: SaferWay, take: () => void): HTMLElement {
  const text = (way.cell === '' ? way.code : way.cell)
    .split('\n')
    .map(line => plain(line, { code: true }))
    .join('\n');
  const made = button(
    'mg-btn',
    () => {
      void copied(text).then(done => {
        if (done) {
          take();
        } else {
          made.textContent = words.__('The browser did not allow it');
        }
      });
    },
    words.__('Copy it and keep this load blocked')
  );
  made.dataset.decides = '';
  return made;
}

function wholeCell(cell: string): HTMLElement {
  const drawn = cell.split('\n').map(line => element('div', { class: 'mg-ln mg-ln--whole' }, strange(line, { code: true })));
  return element('div', { class: 'mg-code' }, ...drawn);
}

function lines(text: string, mark: string, said: string): HTMLElement[] {
  const marked = (): HTMLElement =>
    element(
      'span',
      { class: 'no' },
      element('span', { 'aria-hidden': 'true' }, mark),
      element('span', { class: 'mg-sr' }, `${said} `)
    );
  return text === ''
    ? []
    : text.split('\n').map(line => element('div', { class: 'mg-ln mg-ln--way' }, marked(), strange(line, { code: true })));
}

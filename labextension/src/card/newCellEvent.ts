/**
 * How the card asks whoever draws the notebook to put a cell below the one that waits.
 *
 * The card runs in any front end and knows none; the lab extension answers where there is one: for a card in a notebook, and for one in
 * the panel. Only a person's press on the card sends it, and nothing is run by it.
 */

import { words } from './words';

export const NEW_CELL = 'modelguard:new-cell';

export interface NewCell {
  source: string;
  /** Why it could not be put in, by who tried. */
  problem?: string;
}

/** Ask for a cell; null when somebody put it in, else why not. */
export function askForCell(from: HTMLElement, source: string): string | null {
  const detail: NewCell = { source };
  const put = !from.dispatchEvent(new CustomEvent(NEW_CELL, { bubbles: true, cancelable: true, detail }));
  return put ? null : (detail.problem ?? words.__('There is no notebook to put it in.'));
}

/** Answer for a card: `put` says null when it put the cell in, else why not. Nobody else is asked then. */
export function answerNewCell(event: Event, put: (source: string) => string | null): void {
  const detail = (event as CustomEvent<Partial<NewCell> | null>).detail;
  if (detail === null || typeof detail.source !== 'string' || detail.source === '') {
    return;
  }
  event.stopPropagation();
  const problem = put(detail.source);
  if (problem === null) {
    event.preventDefault();
  } else {
    detail.problem = problem;
  }
}

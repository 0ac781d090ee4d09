/**
 * How the card asks whoever draws the notebook to put a cell below the one that waits.
 *
 * The card runs in any front end and knows none; the lab extension answers where there is one, and cancels the event to say so. Only a
 * person's press on the card sends it, and nothing is run by it.
 */

export const NEW_CELL = 'modelguard:new-cell';

export interface NewCell {
  source: string;
}

/** True when somebody put the cell in. */
export function askForCell(from: HTMLElement, source: string): boolean {
  const detail: NewCell = { source };
  return !from.dispatchEvent(new CustomEvent(NEW_CELL, { bubbles: true, cancelable: true, detail }));
}

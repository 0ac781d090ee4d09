/**
 * Tells the cards of a notebook that the kernel which waited for an answer is gone.
 *
 * A widget is not told of a restart by itself: its buttons would still be there, and nobody to hear them.
 */

const GONE: ReadonlySet<string> = new Set(['restarting', 'autorestarting', 'terminating', 'dead']);

/** Of the widget's own element; see `card/board.ts`. */
const BOARD = '[data-mg-board]';

/** What ipywidgets sets on widgets without a kernel. */
const DISCONNECTED = 'jupyter-widgets-disconnected';

/** Take note of a kernel's status for the cards within a page element. */
export function endCards(within: Element, status: string): void {
  if (GONE.has(status)) {
    for (const board of within.querySelectorAll(BOARD)) {
      board.classList.add(DISCONNECTED);
    }
  }
}

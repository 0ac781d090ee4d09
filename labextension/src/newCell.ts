/** Puts the rewritten cell that a card offers below the cell that waits; a person has pressed for it, and runs it or does not. */

import type { INotebookTracker, Notebook } from '@jupyterlab/notebook';

import { answerNewCell, NEW_CELL } from './card/newCellEvent';
import { words } from './card/words';

/** Answer the cards that stand in a notebook; the panel answers its own. */
export function answerNewCells(tracker: INotebookTracker): void {
  document.addEventListener(NEW_CELL, event => {
    const { target } = event;
    if (!(target instanceof Element) || target.closest('.mg-card') === null) {
      return;
    }
    const notebook = tracker.find(panel => panel.content.node.contains(target))?.content;
    const at = notebook?.widgets.findIndex(cell => cell.node.contains(target)) ?? -1;
    if (notebook !== undefined && at >= 0) {
      answerNewCell(event, source => insertBelow(notebook, at, source));
    }
  });
}

/** Put a cell below the one at a place, and go to it; null when it is there, else why it is not. */
export function insertBelow(notebook: Notebook, at: number, source: string): string | null {
  const { model } = notebook;
  if (model === null || model.readOnly) {
    return words.__('The notebook cannot be changed here.');
  }
  model.sharedModel.insertCell(at + 1, { cell_type: 'code', source, metadata: {} });
  notebook.activeCellIndex = at + 1;
  notebook.activate();
  return null;
}

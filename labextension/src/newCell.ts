/** Puts the rewritten cell that a card offers below the cell that waits; a person has pressed for it, and runs it or does not. */

import type { INotebookTracker } from '@jupyterlab/notebook';

import { NEW_CELL, type NewCell } from './card/newCellEvent';

export function answerNewCells(tracker: INotebookTracker): void {
  document.addEventListener(NEW_CELL, event => {
    const { target } = event;
    const source = (event as CustomEvent<Partial<NewCell> | null>).detail?.source;
    if (!(target instanceof Element) || target.closest('.mg-card') === null || typeof source !== 'string' || source === '') {
      return;
    }
    const notebook = tracker.find(panel => panel.content.node.contains(target))?.content;
    const at = notebook?.widgets.findIndex(cell => cell.node.contains(target)) ?? -1;
    const model = notebook?.model ?? null;
    if (notebook === undefined || model === null || model.readOnly || at < 0) {
      return;
    }
    model.sharedModel.insertCell(at + 1, { cell_type: 'code', source, metadata: {} });
    notebook.activeCellIndex = at + 1;
    notebook.activate();
    event.preventDefault();
  });
}

/** The rewritten cell of a safer way, from the panel's card into the notebook whose load waits. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import { insertBelow } from '../newCell';
import { cellIndex, findOpen, type CellPlace } from './openCell';

/** Put it below the cell that waits, and bring that notebook to the front; null when it is there, else what to do. Nothing is opened. */
export function putCell(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  place: CellPlace,
  source: string,
  words: TranslationBundle
): string | null {
  const panel = findOpen(tracker, place);
  if (panel === null) {
    return words.__('The notebook is not open here. Open it and press again, or copy the cell.');
  }
  const at = cellIndex(panel, place);
  if (at < 0) {
    return words.__('The cell that waits is not in the notebook any more. Copy the rewritten one to where you want it.');
  }
  const problem = insertBelow(panel.content, at, source);
  if (problem === null) {
    app.shell.activateById(panel.id);
    void panel.content.scrollToItem(at + 1, 'smart');
  }
  return problem;
}

/** "Open cell": from a record to the notebook and cell that made it, where both are still there. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { isSame, pathBelow } from './notebookNames';

export interface CellPlace {
  notebook: string | null;
  cell_id: string | null;
}

export type Opened = 'shown' | 'no notebook' | 'no cell';

export function serverRoot(): string {
  return PageConfig.getOption('serverRoot');
}

export async function openCell(app: JupyterFrontEnd, tracker: INotebookTracker, place: CellPlace): Promise<Opened> {
  const panel = await findPanel(app, tracker, place);
  if (panel === null) {
    return 'no notebook';
  }
  await panel.context.ready;
  await panel.revealed;
  app.shell.activateById(panel.id);
  const { content } = panel;
  const index = place.cell_id === null ? -1 : content.widgets.findIndex(cell => cell.model.id === place.cell_id);
  const cell = content.widgets[index];
  if (cell === undefined) {
    return 'no cell';
  }
  content.deselectAll();
  content.activeCellIndex = index;
  await content.scrollToItem(index, 'smart');
  content.node.focus();
  return 'shown';
}

/** An open notebook that has the cell, or that the name means; else the file of that name below the server's root is opened. */
async function findPanel(app: JupyterFrontEnd, tracker: INotebookTracker, place: CellPlace): Promise<NotebookPanel | null> {
  const root = serverRoot();
  const { notebook, cell_id: cell } = place;
  const named = notebook === null ? undefined : tracker.find(panel => isSame(root, notebook, panel.context.localPath));
  // A renamed notebook keeps the ids of its cells.
  const open = named ?? (cell === null ? undefined : tracker.find(panel => hasCell(panel, cell)));
  if (open !== undefined) {
    return open;
  }
  const path = notebook === null ? null : pathBelow(root, notebook);
  if (path === null) {
    return null;
  }
  try {
    await app.serviceManager.contents.get(path, { content: false });
    const opened: unknown = await app.commands.execute('docmanager:open', { path });
    return tracker.find(panel => panel === opened) ?? null;
  } catch {
    return null;
  }
}

function hasCell(panel: NotebookPanel, id: string): boolean {
  return panel.content.widgets.some(cell => cell.model.id === id);
}

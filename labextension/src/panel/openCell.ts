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
  const panel = findOpen(tracker, place) ?? (await openFile(app, tracker, place));
  if (panel === null) {
    return 'no notebook';
  }
  await panel.context.ready;
  await panel.revealed;
  app.shell.activateById(panel.id);
  const { content } = panel;
  const index = cellIndex(panel, place);
  if (index < 0) {
    return 'no cell';
  }
  content.deselectAll();
  content.activeCellIndex = index;
  await content.scrollToItem(index, 'smart');
  content.node.focus();
  return 'shown';
}

/** The open notebook that the name means; a renamed one keeps the ids of its cells. */
export function findOpen(tracker: INotebookTracker, place: CellPlace): NotebookPanel | null {
  const { notebook } = place;
  const root = serverRoot();
  const named = (panel: NotebookPanel): boolean => notebook !== null && isSame(root, notebook, panel.context.localPath);
  const has = (panel: NotebookPanel): boolean => cellIndex(panel, place) >= 0;
  // A name without a folder may mean several of those that are open.
  return tracker.find(panel => named(panel) && has(panel)) ?? tracker.find(named) ?? tracker.find(has) ?? null;
}

/** Where the cell stands in a notebook; negative where it does not. */
export function cellIndex(panel: NotebookPanel, { cell_id: id }: CellPlace): number {
  return id === null ? -1 : panel.content.widgets.findIndex(cell => cell.model.id === id);
}

/** Open the file of that name below the server's root. */
async function openFile(app: JupyterFrontEnd, tracker: INotebookTracker, { notebook }: CellPlace): Promise<NotebookPanel | null> {
  const path = notebook === null ? null : pathBelow(serverRoot(), notebook);
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

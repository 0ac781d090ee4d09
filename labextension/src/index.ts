/**
 * The lab extension: a shield in the status bar for the notebook in front, a panel with the history and what waits, and room for the cells
 * that a card offers to write. The card does without it. Where there are no notebooks to track, nothing of this is there.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';

import { Front, IFront, nameOf } from './front';
import { endCards } from './lostKernels';
import { answerNewCells } from './newCell';
import { Commands } from './panel/commands';
import panel from './panel/plugin';
import { Shield } from './shield';

const front: JupyterFrontEndPlugin<IFront> = {
  id: 'jupyter-modelguard:front',
  description: 'Knows whether the notebook in front is guarded, and takes in the cells that a card offers.',
  autoStart: true,
  requires: [INotebookTracker],
  provides: IFront,
  activate: (_app: JupyterFrontEnd, tracker: INotebookTracker) => {
    answerNewCells(tracker);
    tracker.forEach(watchCards);
    tracker.widgetAdded.connect((_tracker, panel) => {
      watchCards(panel);
    });
    return new Front(tracker);
  }
};

const shield: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modelguard:shield',
  description: 'Shows in the status bar whether the notebook in front is guarded.',
  autoStart: true,
  optional: [IFront, IStatusBar, ITranslator],
  activate: (app: JupyterFrontEnd, front: IFront | null, statusBar: IStatusBar | null, translator: ITranslator | null) => {
    if (front === null || statusBar === null) {
      return;
    }
    const shown = new Shield(translator ?? undefined, () => {
      void app.commands.execute(front.state === 'waiting' ? Commands.showWaiting : Commands.open);
    });
    statusBar.registerStatusItem(shield.id, { item: shown, align: 'left', rank: 5 });
    const show = (): void => {
      shown.display(front.notebook === null ? null : nameOf(front.notebook), front.state, front.waiting);
    };
    front.changed.connect(show);
    show();
  }
};

function watchCards(panel: NotebookPanel): void {
  panel.sessionContext.statusChanged.connect((_context, status) => {
    endCards(panel.node, status);
  });
}

export default [front, shield, panel];

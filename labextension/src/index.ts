/**
 * The lab extension: a shield in the status bar for the notebook in front, and room for the cells that a card offers to write. The card
 * does without it.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';

import { GuardWatch } from './guardState';
import { endCards } from './lostKernels';
import { answerNewCells } from './newCell';
import { Shield } from './shield';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modelguard:shield',
  description: 'Shows in the status bar whether the notebook in front is guarded, and takes in the cells that a card offers.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [IStatusBar, ITranslator],
  activate: (_app: JupyterFrontEnd, tracker: INotebookTracker, statusBar: IStatusBar | null, translator: ITranslator | null) => {
    answerNewCells(tracker);
    tracker.forEach(watchCards);
    tracker.widgetAdded.connect((_tracker, panel) => {
      watchCards(panel);
    });
    if (statusBar === null) {
      return;
    }
    const shield = new Shield(translator ?? undefined);
    statusBar.registerStatusItem(plugin.id, { item: shield, align: 'left', rank: 5 });

    let front: NotebookPanel | null = null;
    const watch = new GuardWatch(state => {
      shield.display(watched && front !== null ? nameOf(front) : null, state, watch.waiting);
    });
    let watched = false;

    const followKernel = (): void => {
      const kernel = front?.sessionContext.session?.kernel ?? null;
      void speaksPython(kernel).then(python => {
        // Another notebook may have come to the front meanwhile.
        if (kernel === (front?.sessionContext.session?.kernel ?? null)) {
          watched = python;
          watch.follow(python ? kernel : null);
          shield.display(watched && front !== null ? nameOf(front) : null, watch.state, watch.waiting);
        }
      });
    };
    const bringToFront = (panel: NotebookPanel | null): void => {
      front?.sessionContext.kernelChanged.disconnect(followKernel);
      front = panel;
      front?.sessionContext.kernelChanged.connect(followKernel);
      followKernel();
    };
    tracker.currentChanged.connect((_tracker, panel) => {
      bringToFront(panel);
    });
    NotebookActions.executed.connect((_actions, { notebook }) => {
      if (notebook === front?.content) {
        watch.ask();
      }
    });
    bringToFront(tracker.currentWidget);
  }
};

function watchCards(panel: NotebookPanel): void {
  panel.sessionContext.statusChanged.connect((_context, status) => {
    endCards(panel.node, status);
  });
}

function nameOf(panel: NotebookPanel): string {
  return panel.context.localPath.split('/').at(-1) ?? panel.title.label;
}

async function speaksPython(kernel: Kernel.IKernelConnection | null): Promise<boolean> {
  if (kernel === null) {
    return false;
  }
  try {
    return (await kernel.info).language_info.name === 'python';
  } catch {
    return false;
  }
}

export default plugin;

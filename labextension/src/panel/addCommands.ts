/** Our commands, each with a line in the palette. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IFront } from '../front';
import type { PanelActions } from './actions';
import { FORMATS } from './api';
import { Commands } from './commands';
import { FORMAT_NAMES } from './exportBar';
import type { History } from './history';
import type { Panel } from './panel';

export interface Commanded {
  app: JupyterFrontEnd;
  palette: ICommandPalette | null;
  words: TranslationBundle;
  panel: Panel;
  history: History;
  front: IFront;
  tracker: INotebookTracker;
  actions: PanelActions;
  open: () => void;
}

export function addCommands({ app, palette, words, panel, history, front, tracker, actions, open }: Commanded): void {
  const { commands } = app;
  const category = 'modelguard';
  commands.addCommand(Commands.open, {
    label: words.__('Open the modelguard panel'),
    execute: () => {
      open();
      lastly(() => {
        panel.focus();
      });
    }
  });
  commands.addCommand(Commands.refresh, {
    label: words.__('Refresh the history'),
    execute: () => {
      front.ask();
      return history.look();
    }
  });
  commands.addCommand(Commands.guard, {
    label: words.__('Guard this notebook'),
    isEnabled: () => front.kernel !== null && front.state !== 'guarded' && front.state !== 'waiting',
    execute: () => {
      open();
      actions.guard();
    }
  });
  commands.addCommand(Commands.showWaiting, {
    label: words.__('Go to the load that waits'),
    isEnabled: () => front.waiting > 0 || history.approvals.length > 0,
    execute: async () => {
      if (cardOf(tracker)) {
        return;
      }
      await history.look();
      open();
      lastly(() => {
        if (!panel.review()) {
          panel.focus();
        }
      });
    }
  });
  commands.addCommand(Commands.export, {
    label: args => words.__('Export the history as %1', FORMAT_NAMES[formatOf(args.format)]),
    execute: args => {
      actions.exportAll(formatOf(args.format), history.filter);
    }
  });
  for (const command of [Commands.open, Commands.refresh, Commands.guard, Commands.showWaiting]) {
    palette?.addItem({ command, category });
  }
  for (const format of FORMATS) {
    palette?.addItem({ command: Commands.export, category, args: { format } });
  }
  const again = (): void => {
    commands.notifyCommandChanged(Commands.guard);
    commands.notifyCommandChanged(Commands.showWaiting);
  };
  front.changed.connect(again);
  history.changed.connect(again);
}

function formatOf(format: unknown): (typeof FORMATS)[number] {
  return FORMATS.find(one => one === format) ?? 'json';
}

/** Go to a card of the notebook in front that still asks; false where none is in the page. */
function cardOf(tracker: INotebookTracker): boolean {
  const cards = tracker.currentWidget?.content.node.querySelectorAll<HTMLElement>('section.mg-card') ?? [];
  for (const card of cards) {
    if (card.getAttribute('aria-busy') !== 'true' && card.querySelector('[data-decides]') !== null) {
      card.scrollIntoView({ block: 'center' });
      lastly(() => {
        card.querySelector<HTMLElement>('.mg-title')?.focus({ preventScroll: true });
      });
      return true;
    }
  }
  return false;
}

/** Move the focus. The palette gives it back to the notebook some frames after its command began: what was asked for takes it then. */
function lastly(focus: () => void, frames = 4): void {
  if (frames === 0) {
    focus();
  } else {
    requestAnimationFrame(() => {
      lastly(focus, frames - 1);
    });
  }
}

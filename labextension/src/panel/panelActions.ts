/** What the panel's buttons do: each asks the server or JupyterLab, and says in the panel what came of it. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import { plain } from '../card/text';
import { nameOf, type IFront } from '../front';
import type { PanelActions } from './actions';
import type { Api, Problem } from './api';
import { download } from './download';
import { guardKernel } from './guardHere';
import type { History } from './history';
import { shownName } from './notebookNames';
import { openCell, serverRoot } from './openCell';
import { putCell } from './putCell';
import type { Detail } from './wire';

export interface Surroundings {
  app: JupyterFrontEnd;
  tracker: INotebookTracker;
  front: IFront;
  api: Api;
  history: History;
  words: TranslationBundle;
  /** Ask for a confirmation. */
  ask: (title: string, body: string, label: string) => Promise<boolean>;
  say: { text: (text: string) => void; problem: (title: string, problem: Pick<Problem, 'message' | 'next'>) => void };
}

export function panelActions({ app, tracker, front, api, history, words, ask, say }: Surroundings): PanelActions {
  /** Say what is wrong, if anything is; done when it is known what the history is now. */
  const settle = async (answer: { ok: true } | { ok: false; problem: Problem }, title: string): Promise<boolean> => {
    if (!answer.ok) {
      say.problem(title, answer.problem);
    }
    await history.look();
    return answer.ok;
  };
  return {
    front: () => ({
      notebook: front.notebook === null ? null : nameOf(front.notebook),
      guard: front.state,
      place: front.place
    }),
    nameOf: notebook => shownName(serverRoot(), notebook),
    guard: () => {
      const { kernel } = front;
      if (kernel === null) {
        return;
      }
      const queued = (): void => {
        say.text(words.__('The kernel is busy: it is guarded as soon as the running cell is done.'));
      };
      void guardKernel(kernel, queued).then(({ ok, said }) => {
        const done = ok ? words.__('%1 ran in the kernel.', '%load_ext modelguard') : words.__('The notebook is not guarded.');
        say.text([done, plain(said.slice(0, 1000))].filter(part => part !== '').join(' '));
        front.ask();
      });
    },
    demo: () => {
      const model = tracker.currentWidget?.content.model ?? null;
      const content = tracker.currentWidget?.content;
      if (model === null || content === undefined || model.readOnly) {
        say.text(words.__('Open a notebook first: the demo runs in its kernel.'));
        return;
      }
      const at = content.activeCellIndex + 1;
      model.sharedModel.insertCell(at, { cell_type: 'code', source: '%modelguard demo', metadata: {} });
      content.activeCellIndex = at;
      content.activate();
      say.text(words.__('A cell with the demo was put below. Run it when you like.'));
    },
    openCell: place => {
      void openCell(app, tracker, place).then(opened => {
        if (opened === 'no notebook') {
          say.text(words.__('The notebook is not open, and this server does not find its file.'));
        } else if (opened === 'no cell') {
          say.text(words.__('The notebook is open; the cell is not in it any more.'));
        }
      });
    },
    putCell: (approval, source) => putCell(app, tracker, approval, source, words),
    decide: async (approval, decision) => {
      const answer = await api.decide(approval, decision);
      void settle(answer, words.__('The decision was not taken'));
      return answer;
    },
    detail: row => api.detail(row),
    exportAll: (format, filter) => {
      if (history.narrowed && history.frontName() === null) {
        say.text(words.__('Nothing is recorded for this notebook, so there is nothing to export.'));
        return;
      }
      void api.export(format, filter).then(answer => {
        if (answer.ok) {
          download(answer.value.name, answer.value.content);
        } else {
          say.problem(words.__('Nothing was exported'), answer.problem);
        }
      });
    },
    exportOne: detail => {
      const content = new Blob([JSON.stringify(detail, null, 2)], { type: 'application/json' });
      download(`modelguard-${fileName(detail)}.json`, content);
    },
    forget: async detail => {
      const title = words.__('Forget this decision?');
      const body = words.__('You are asked again at the next load. The record stays.');
      if (detail.trusted === null || !(await ask(title, body, words.__('Forget it')))) {
        return false;
      }
      return settle(await api.forget(detail.trusted), words.__('The decision was not forgotten'));
    },
    delete: async detail => {
      const title = words.__('Delete this record?');
      const body = words.__('It is removed from the history for good. What you allowed stays allowed.');
      return (
        (await ask(title, body, words.__('Delete'))) &&
        (await settle(await api.delete(detail.row), words.__('The record was not deleted')))
      );
    }
  };
}

function fileName({ row }: Detail): string {
  return row.id.replace(/[^\w-]/g, '');
}

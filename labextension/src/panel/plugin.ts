/** Brings the panel into JupyterLab or Jupyter Notebook: where it stands, what it is told, and what it may do. */

import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification, showDialog } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { LabIcon } from '@jupyterlab/ui-components';

import { speak } from '../card/words';
import { IFront } from '../front';
import { Api } from './api';
import { addCommands } from './addCommands';
import { History } from './history';
import { isSame, nameInHistory } from './notebookNames';
import { Notices } from './notices';
import { serverRoot } from './openCell';
import { Panel } from './panel';
import { panelActions } from './panelActions';
import { DEFAULTS, readSettings } from './settings';

const ID = 'jupyter-modelguard:panel';
const OURS = 'https://schema.jupyter.org/jupyter_modelguard/';

const SHIELD = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="16"><g fill="none"><g class="jp-icon3" stroke="#616161" stroke-width="1.5"><path stroke-linejoin="round" d="M8 1.2 13.6 3v4.6c0 3.4-2.3 5.8-5.6 7.2-3.3-1.4-5.6-3.8-5.6-7.2V3z"/><path d="m5.2 7.9 2 2 3.7-4"/></g></g></svg>`;

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'A panel with what was loaded in which notebook, what was found, and what waits for a decision.',
  autoStart: true,
  optional: [IFront, INotebookTracker, ITranslator, ICommandPalette, ILayoutRestorer, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    front: IFront | null,
    tracker: INotebookTracker | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null
  ) => {
    if (front === null || tracker === null) {
      return;
    }
    const words = (translator ?? nullTranslator).load('jupyter_modelguard');
    speak(words);
    const api = new Api(app.serviceManager.serverSettings);
    const history = new History(api);
    const ask = async (title: string, body: string, label: string): Promise<boolean> => {
      const buttons = [Dialog.cancelButton({ label: words.__('Keep it') }), Dialog.warnButton({ label })];
      return (await showDialog({ title, body, buttons, defaultButton: 0 })).button.accept;
    };
    const say = {
      text: (text: string) => {
        panel.notes.say(text);
      },
      problem: (title: string, problem: { message: string; next: string }) => {
        panel.notes.sayProblem(title, problem);
      }
    };
    const actions = panelActions({ app, tracker, front, api, history, words, ask, say });
    const panel = new Panel(history, words, actions);
    panel.id = 'jupyter-modelguard-panel';
    panel.title.icon = new LabIcon({ name: 'jupyter-modelguard:shield', svgstr: SHIELD });
    panel.title.caption = 'modelguard';

    let settings = DEFAULTS;
    const open = (): void => {
      app.shell.activateById(panel.id);
    };
    const notices = new Notices(words, {
      seen: approval => {
        const { notebook } = approval;
        const path = front.notebook?.context.localPath;
        return panel.isVisible || (notebook !== null && path !== undefined && isSame(serverRoot(), notebook, path));
      },
      review: key => {
        open();
        panel.review(key);
      },
      emit: (message, actions) => Notification.warning(message, { autoClose: false, actions }),
      dismiss: id => {
        Notification.dismiss(id);
      }
    });
    const count = (): void => {
      const waiting = history.approvals.length;
      // What stands there already is the tab's own.
      const others = Object.fromEntries(Object.entries(panel.title.dataset).filter(([name]) => name !== 'mg-waiting'));
      panel.title.dataset = settings.badge && waiting > 0 ? { ...others, 'mg-waiting': String(Math.min(waiting, 99)) } : others;
      panel.title.caption =
        waiting > 0 ? words._n('modelguard: %1 load waits', 'modelguard: %1 loads wait', waiting) : 'modelguard';
      notices.show(settings.notify ? history.approvals : []);
    };
    history.changed.connect(count);

    const follow = (): void => {
      const kernel = front.kernel?.id ?? null;
      const path = front.notebook?.context.path ?? null;
      history.setFront(
        path === null
          ? null
          : { kernel, resolve: (sessions, names) => nameInHistory(serverRoot(), { path, kernel }, sessions, names) }
      );
    };
    front.changed.connect(follow);
    follow();

    addCommands({ app, palette, words, panel, history, front, tracker, actions, open });

    const place = (): void => {
      app.shell.add(panel, settings.side, { rank: 650 });
    };
    place();
    restorer?.add(panel, panel.id);
    registry
      ?.load(ID)
      .then(loaded => {
        const apply = (): void => {
          const before = settings.side;
          settings = readSettings(loaded);
          if (settings.side !== before) {
            place();
          }
          count();
        };
        loaded.changed.connect(apply);
        apply();
      })
      .catch((reason: unknown) => {
        console.warn('modelguard: no settings', reason);
      });

    app.serviceManager.events.stream.connect((_events, event) => {
      if (event.schema_id.startsWith(OURS)) {
        history.soon();
      }
    });
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') {
        history.soon();
      }
    });
    void app.restored.then(() => {
      history.soon(0);
    });
  }
};

export default plugin;

/** The one record that stands in the list's place: fetched when it is opened, and again after what was done with it. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { PanelActions } from './actions';
import { DetailView } from './detail';
import type { Row } from './wire';

export interface RecordActions extends Pick<PanelActions, 'detail' | 'openCell' | 'exportOne' | 'forget' | 'delete'> {
  mayDecide: () => boolean;
  /** The record is to be shown. */
  opened: () => void;
  /** The list is to be shown again. */
  closed: () => void;
}

export class OpenRecord {
  private readonly actions: RecordActions;
  private readonly view: DetailView;
  private row: Row | null = null;

  constructor(words: TranslationBundle, actions: RecordActions) {
    this.actions = actions;
    this.view = new DetailView(words, {
      back: () => {
        this.close();
      },
      openCell: actions.openCell,
      export: actions.exportOne,
      forget: detail => void this.afterwards(actions.forget(detail)),
      delete: detail =>
        void actions.delete(detail).then(done => {
          if (done) {
            this.close();
          }
        })
    });
    this.node.hidden = true;
  }

  get node(): HTMLElement {
    return this.view.node;
  }

  get isOpen(): boolean {
    return this.row !== null;
  }

  async open(row: Row): Promise<void> {
    this.row = row;
    this.node.hidden = false;
    this.view.begin(row);
    this.actions.opened();
    this.node.scrollIntoView({ block: 'nearest' });
    this.view.focus();
    await this.fill(row);
  }

  close(): void {
    if (this.row !== null) {
      this.row = null;
      this.node.hidden = true;
      this.actions.closed();
    }
  }

  private async fill(row: Row): Promise<void> {
    const answer = await this.actions.detail(row);
    if (this.row !== row) {
      return;
    }
    if (answer.ok) {
      this.view.show(answer.value, this.actions.mayDecide());
    } else {
      this.view.fail(answer.problem);
    }
  }

  private async afterwards(doing: Promise<boolean>): Promise<void> {
    if ((await doing) && this.row !== null) {
      await this.fill(this.row);
    }
  }
}

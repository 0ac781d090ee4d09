/**
 * The panel: the notebook in front, what waits for a person, and the history, as a list or one record of it.
 *
 * It draws what `History` knows whenever that changes, and decides nothing by itself.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { element } from '../card/element';
import type { PanelActions } from './actions';
import { Banner } from './banner';
import { ExportBar } from './exportBar';
import { restrictions } from './filter';
import { FilterBar } from './filterBar';
import { Groups } from './groups';
import { Header } from './header';
import { headerState } from './headerState';
import type { History } from './history';
import { Instead } from './instead';
import { List } from './list';
import { Notes } from './notes';
import { OpenRecord } from './openRecord';
import { Waiting } from './waiting';
import { clock } from './words';

export class Panel extends Widget {
  /** What came of what a person pressed. */
  readonly notes: Notes;
  private readonly history: History;
  private readonly words: TranslationBundle;
  private readonly actions: PanelActions;
  private readonly header: Header;
  private readonly export: ExportBar;
  private readonly spoken = element('p', { class: 'mg-sr', role: 'status' });
  private readonly banner: Banner;
  private readonly waiting: Waiting;
  private readonly filter: FilterBar;
  private readonly asOf = element('p', { class: 'mg-asof mg-2nd' });
  private readonly instead: Instead;
  private readonly scroller = element('div', { class: 'mg-scroll' });
  private readonly records = element('div', {});
  private readonly groups: Groups;
  private readonly list: List;
  private readonly record: OpenRecord;
  private clock: ReturnType<typeof setInterval> | undefined;
  private scrolledTo = 0;

  constructor(history: History, words: TranslationBundle, actions: PanelActions) {
    super();
    this.history = history;
    this.words = words;
    this.actions = actions;
    const look = (): void => {
      void history.look();
    };
    this.header = new Header(words, {
      guard: actions.guard,
      refresh: look,
      export: () => {
        this.export.toggle();
      }
    });
    this.banner = new Banner(words, look);
    this.notes = new Notes(words, () => {
      this.header.focus();
    });
    this.export = new ExportBar(words, format => {
      actions.exportAll(format, history.filter);
    });
    this.waiting = new Waiting(words, { ...actions, announce: text => (this.spoken.textContent = text) });
    this.filter = new FilterBar(words, {
      change: filter => {
        history.setFilter(filter);
      },
      narrow: narrow => {
        history.setFilter(history.filter, narrow);
      }
    });
    this.instead = new Instead(words, {
      demo: actions.demo,
      again: look,
      clear: () => {
        this.filter.clear();
        history.setFilter({ text: '', levels: [] });
        this.filter.focus();
      },
      everywhere: () => {
        history.setFilter(history.filter, false);
        this.filter.focus();
      }
    });
    this.groups = new Groups(words, actions.nameOf);
    this.list = new List(this.scroller, words, {
      toggle: group => {
        this.groups.toggle(group);
        this.draw();
      },
      open: row => {
        this.scrolledTo = this.scroller.scrollTop;
        void this.record.open(row);
      }
    });
    this.record = new OpenRecord(words, {
      ...actions,
      mayDecide: () => this.mayDecide,
      opened: this.draw,
      closed: this.showListAgain
    });
    this.put();
    history.changed.connect(this.draw);
    this.draw();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      clearInterval(this.clock);
      this.history.changed.disconnect(this.draw);
      this.filter.dispose();
      this.list.dispose();
      super.dispose();
    }
  }

  /** Draw everything as it is known now. */
  readonly draw = (): void => {
    const { history, words } = this;
    const front = this.actions.front();
    const { problem, overview } = history;
    const gone = problem?.kind === 'missing';
    const { isOpen } = this.record;
    this.header.show(headerState(history, front));
    this.banner.show(history);
    this.waiting.show(gone ? [] : history.approvals, this.mayDecide);
    this.waiting.node.classList.toggle('mg-brief', isOpen);
    this.records.hidden = isOpen;
    this.filter.node.hidden = gone || overview === null || (overview.all === 0 && restrictions(history.filter) === 0);
    this.filter.show({
      filter: history.filter,
      levels: overview?.levels ?? {},
      canNarrow: front.notebook !== null,
      narrowed: history.narrowed
    });
    const old = problem !== null && !gone && history.asOf > 0;
    this.asOf.hidden = !old;
    this.asOf.textContent = old ? words.__('As of %1, may be out of date', clock(history.asOf / 1000)) : '';
    this.instead.show(history, front.guard);
    if (!isOpen) {
      this.list.show({
        groups: gone ? [] : this.groups.of(history),
        row: (group, index) => history.row(overview?.notebooks[group]?.notebook ?? null, index),
        beginDrawing: () => {
          history.pages.beginDrawing();
        }
      });
    }
  };

  /** Show the card of a load that waits; false where none does. */
  review(key?: string): boolean {
    this.record.close();
    return this.waiting.review(key);
  }

  /** Go to where the panel begins. */
  focus(): void {
    this.header.focus();
  }

  protected override onAfterShow(): void {
    this.history.soon(0);
    this.tick();
    this.draw();
  }

  protected override onAfterAttach(): void {
    this.clock = setInterval(() => {
      this.tick();
    }, 1000);
    this.draw();
  }

  protected override onBeforeDetach(): void {
    clearInterval(this.clock);
  }

  protected override onResize(): void {
    if (!this.record.isOpen) {
      this.list.draw();
    }
  }

  private get mayDecide(): boolean {
    return this.history.status?.may_decide ?? true;
  }

  private put(): void {
    this.records.append(this.filter.node, this.asOf, this.instead.node, this.list.node);
    this.scroller.append(this.banner.node, this.notes.node, this.waiting.node, this.records, this.record.node);
    this.node.append(this.header.node, this.export.node, this.spoken, this.scroller);
    this.addClass('mg');
    this.addClass('mg-side');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'modelguard');
    this.node.setAttribute('data-lm-suppress-shortcuts', 'true');
  }

  private tick(): void {
    if (this.isVisible && this.history.approvals.length > 0) {
      this.waiting.tick();
    }
  }

  private readonly showListAgain = (): void => {
    this.draw();
    this.scroller.scrollTop = this.scrolledTo;
    this.list.draw();
    this.list.focusCurrent();
  };
}

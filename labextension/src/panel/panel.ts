/**
 * The panel: the notebook in front, what waits for a person, and the history, as a list or one record of it.
 *
 * It draws what `History` knows whenever that changes, and decides nothing by itself.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { element } from '../card/element';
import type { GuardState } from '../guardState';
import type { Answer, Decision, Format } from './api';
import { Banner } from './banner';
import { DetailView } from './detail';
import { ExportBar } from './exportBar';
import { restrictions, type Filter } from './filter';
import { FilterBar } from './filterBar';
import { Header } from './header';
import type { History } from './history';
import { List } from './list';
import type { ListGroup } from './listGroup';
import { Instead } from './instead';
import { Notes } from './notes';
import type { Approval, Decided, Detail, Row } from './wire';
import { Waiting } from './waiting';
import { clock } from './words';

export interface PanelFront {
  /** Name of the notebook in front; null where there is none with a Python kernel. */
  notebook: string | null;
  guard: GuardState;
  place: string | null;
}

/** What the panel cannot do by itself. */
export interface PanelActions {
  front: () => PanelFront;
  /** How a notebook of the history is called here. */
  nameOf: (notebook: string) => string;
  guard: () => void;
  /** Null where there is no notebook to put the demo's cell into. */
  demo: (() => void) | null;
  openCell: (place: Row | Approval) => void;
  decide: (approval: Approval, decision: Decision) => Promise<Answer<Decided>>;
  detail: (row: Row) => Promise<Answer<Detail>>;
  exportAll: (format: Format, filter: Filter) => void;
  exportOne: (detail: Detail) => void;
  forget: (detail: Detail) => Promise<boolean>;
  delete: (detail: Detail) => Promise<boolean>;
}

/** Groups that are open before a person has said anything. */
const OPEN_AT_FIRST = 3;

export class Panel extends Widget {
  private readonly history: History;
  private readonly words: TranslationBundle;
  private readonly actions: PanelActions;
  private readonly header: Header;
  private readonly export: ExportBar;
  /** What came of what a person pressed. */
  readonly notes: Notes;
  private readonly spoken = element('p', { class: 'mg-sr', role: 'status' });
  private readonly banner: Banner;
  private readonly waiting: Waiting;
  private readonly filter: FilterBar;
  private readonly asOf = element('p', { class: 'mg-asof mg-2nd' });
  private readonly instead: Instead;
  private readonly scroller = element('div', { class: 'mg-scroll' });
  private readonly records = element('div', {});
  private readonly list: List;
  private readonly detail: DetailView;
  private readonly folded = new Map<string, boolean>();
  private opened: Row | null = null;
  private clock: ReturnType<typeof setInterval> | undefined;
  private scrolledTo = 0;

  constructor(history: History, words: TranslationBundle, actions: PanelActions) {
    super();
    this.history = history;
    this.words = words;
    this.actions = actions;
    const refresh = (): void => {
      void history.look();
    };
    this.header = new Header(words, {
      guard: actions.guard,
      refresh,
      export: () => {
        this.export.toggle();
      }
    });
    this.banner = new Banner(words, refresh);
    this.notes = new Notes(words, () => {
      this.header.focus();
    });
    this.export = new ExportBar(words, format => {
      actions.exportAll(format, history.filter);
    });
    const { nameOf, decide, openCell } = actions;
    this.waiting = new Waiting(words, { decide, openCell, nameOf, announce: text => (this.spoken.textContent = text) });
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
    this.list = new List(this.scroller, words, {
      toggle: this.toggle,
      open: row => void this.showDetail(row)
    });
    this.detail = new DetailView(words, {
      back: () => {
        this.closeDetail();
      },
      openCell,
      export: actions.exportOne,
      forget: detail => void this.afterwards(actions.forget(detail)),
      delete: detail =>
        void actions.delete(detail).then(done => {
          if (done) {
            this.closeDetail();
          }
        })
    });
    this.records.append(this.filter.node, this.asOf, this.instead.node, this.list.node);
    this.detail.node.hidden = true;
    this.scroller.append(this.banner.node, this.notes.node, this.waiting.node, this.records, this.detail.node);
    this.node.append(this.header.node, this.export.node, this.spoken, this.scroller);
    this.addClass('mg');
    this.addClass('mg-side');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'modelguard');
    this.node.setAttribute('data-lm-suppress-shortcuts', 'true');
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
    const { problem, status, overview } = history;
    const gone = problem?.kind === 'missing';
    const mayDecide = status?.may_decide ?? true;
    this.header.show({
      notebook: front.notebook,
      guard: front.guard,
      figures: gone ? null : this.figures(),
      elsewhere: front.place !== null && status !== null && status.place !== '' && front.place !== status.place,
      reachable: problem?.kind !== 'unreachable'
    });
    this.banner.show(history);
    this.waiting.show(gone ? [] : history.approvals, mayDecide);
    this.waiting.node.classList.toggle('mg-brief', this.opened !== null);
    this.records.hidden = this.opened !== null;
    this.detail.node.hidden = this.opened === null;
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
    if (this.opened === null) {
      this.list.show({
        groups: gone ? [] : this.groups(),
        row: (group, index) => history.row(overview?.notebooks[group]?.notebook ?? null, index),
        beginDrawing: () => {
          history.pages.beginDrawing();
        }
      });
    }
  };

  /** Show the card of a load that waits; false where none does. */
  review(key?: string): boolean {
    if (this.opened !== null) {
      this.closeDetail();
    }
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
    if (this.opened === null) {
      this.list.draw();
    }
  }

  private tick(): void {
    if (this.isVisible && this.history.approvals.length > 0) {
      this.waiting.tick();
    }
  }

  /** None where nothing is known; a notebook that the history does not know has loaded nothing. */
  private figures(): { total: number; stopped: number } | null {
    const { figures, overview } = this.history;
    if (figures !== null) {
      return { total: figures.total, stopped: figures.stopped };
    }
    return overview !== null && this.history.frontName() === null ? { total: 0, stopped: 0 } : null;
  }

  private groups(): ListGroup[] {
    const front = this.history.frontName();
    return (this.history.overview?.notebooks ?? []).map(({ notebook, count }, index) => {
      const key = notebook ?? '\0';
      const label = notebook === null ? this.words.__('Outside a notebook') : this.actions.nameOf(notebook);
      const open = this.folded.get(key) ?? (index < OPEN_AT_FIRST || notebook === front);
      return { key, label, count, open };
    });
  }

  private readonly toggle = (group: ListGroup): void => {
    this.folded.set(group.key, !group.open);
    this.draw();
  };

  private async showDetail(row: Row): Promise<void> {
    this.scrolledTo = this.scroller.scrollTop;
    this.opened = row;
    this.detail.begin(row);
    this.draw();
    this.detail.node.scrollIntoView({ block: 'nearest' });
    this.detail.focus();
    await this.fillDetail(row);
  }

  private async fillDetail(row: Row): Promise<void> {
    const answer = await this.actions.detail(row);
    if (this.opened !== row) {
      return;
    }
    if (answer.ok) {
      this.detail.show(answer.value, this.history.status?.may_decide ?? true);
    } else {
      this.detail.fail(answer.problem);
    }
  }

  private async afterwards(doing: Promise<boolean>): Promise<void> {
    if ((await doing) && this.opened !== null) {
      await this.fillDetail(this.opened);
    }
  }

  private closeDetail(): void {
    this.opened = null;
    this.draw();
    this.scroller.scrollTop = this.scrolledTo;
    this.list.draw();
    this.list.focusCurrent();
  }
}

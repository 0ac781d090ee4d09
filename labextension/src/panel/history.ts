/**
 * What the panel knows of the history, and when it looks again.
 *
 * One look at a time; whatever happens meanwhile leads to one more. When the server cannot be reached the last answers stay, with their
 * time, and it is asked again in the background, ever less often. Without the extension nothing is asked for until a person does.
 */

import { Signal } from '@lumino/signaling';

import type { Answer, Api, Problem } from './api';
import { EVERYTHING, type Filter } from './filter';
import { Pages } from './pages';
import type { Approval, Notebooks, Row, Session, Status } from './wire';

/** Milliseconds from an event until it is looked at: events of one write come together. */
const TOGETHER = 10;
const RETRY = [2_000, 4_000, 8_000, 15_000, 30_000];

export interface FrontName {
  /** The kernel in front, by Jupyter's id. */
  kernel: string | null;
  /** What the history calls the notebook in front; null where it has nothing of it. */
  resolve: (sessions: readonly Session[], names: readonly (string | null)[]) => string | null;
}

export class History {
  readonly changed = new Signal<this, void>(this);
  readonly pages: Pages;
  approvals: readonly Approval[] = [];
  status: Status | null = null;
  /** The records that match, by notebook. */
  overview: Notebooks | null = null;
  /** All records of the notebook in front. */
  figures: Notebooks | null = null;
  problem: Problem | null = null;
  /** When the last answer came, and when the last question was put; milliseconds. */
  asOf = 0;
  tried = 0;
  private readonly api: Api;
  private text: Pick<Filter, 'text' | 'levels'> = EVERYTHING;
  private narrow = false;
  private sessions: readonly Session[] = [];
  private names: readonly (string | null)[] = [];
  private front: FrontName | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private due = 0;
  private looking: Promise<void> | null = null;
  private again = false;
  private turn = 0;
  private failures = 0;
  private disposed = false;

  constructor(api: Api) {
    this.api = api;
    this.pages = new Pages(
      async (notebook, limit, offset) => {
        const answer = await this.api.scans({ ...this.filter, notebook }, limit, offset);
        return answer.ok ? answer.value.rows : null;
      },
      () => {
        this.changed.emit();
      }
    );
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
  }

  /** The filter as it is asked for; narrowed to a notebook that nothing is known of it matches nothing. */
  get filter(): Filter {
    return { ...this.text, notebook: this.narrow ? this.frontName() : undefined };
  }

  get narrowed(): boolean {
    return this.narrow;
  }

  /** The name that the history has for the notebook in front. */
  frontName(): string | null {
    return this.front?.resolve(this.sessions, this.names) ?? null;
  }

  /** Whether the kernel in front waits for a decision. */
  get frontWaits(): boolean {
    const mine = this.sessions.filter(one => one.kernel !== null && one.kernel === this.front?.kernel);
    return this.approvals.some(({ waiting, session }) => waiting && mine.some(one => one.session === session));
  }

  setFilter(filter: Pick<Filter, 'text' | 'levels'>, narrow = this.narrow): void {
    this.text = { text: filter.text, levels: filter.levels };
    this.narrow = narrow;
    this.turn += 1;
    this.pages.clear();
    void this.look();
    this.changed.emit();
  }

  setFront(front: FrontName | null): void {
    const before = this.frontName();
    const kernel = this.front?.kernel;
    this.front = front;
    if (this.frontName() !== before || front?.kernel !== kernel) {
      this.turn += this.narrow ? 1 : 0;
      this.figures = null;
      if (this.narrow) {
        this.pages.clear();
      }
      this.soon();
    }
    this.changed.emit();
  }

  /** Something happened: look, together with what else happens right now. */
  soon(delay = TOGETHER): void {
    const due = Date.now() + delay;
    if (this.disposed || this.problem?.kind === 'missing' || (this.timer !== undefined && this.due <= due)) {
      return;
    }
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.look();
    }, delay);
  }

  /** Look now; done when an answer that is not older than this call is there. */
  async look(): Promise<void> {
    if (this.looking !== null) {
      this.again = true;
      return this.looking;
    }
    clearTimeout(this.timer);
    this.timer = undefined;
    this.looking = this.lookUntilQuiet();
    try {
      await this.looking;
    } finally {
      this.looking = null;
    }
  }

  private async lookUntilQuiet(): Promise<void> {
    do {
      this.again = false;
      const turn = this.turn;
      const problem = await this.ask();
      if (this.disposed) {
        return;
      }
      this.again ||= turn !== this.turn;
      this.tried = Date.now();
      this.problem = problem;
      this.failures = problem === null ? 0 : this.failures + 1;
      if (problem === null) {
        this.asOf = this.tried;
      } else if (problem.kind !== 'missing') {
        this.soon(RETRY[Math.min(this.failures, RETRY.length) - 1]);
      }
      this.changed.emit();
    } while (this.again && this.problem?.kind !== 'missing');
  }

  /** Ask for the list first, and draw it, then for what stands around it; null where all was answered. */
  private async ask(): Promise<Problem | null> {
    // After any trouble, and at first, one question tells whether there is anybody to ask the others.
    const status = this.status !== null && this.problem === null ? null : await this.api.status();
    if (status?.ok === false) {
      return status.problem;
    }
    const filter = this.filter;
    const turn = this.turn;
    const named = this.frontName();
    const known = this.sessions.some(session => session.kernel !== null && session.kernel === this.front?.kernel);
    const empty = filter.notebook === null && this.narrow;
    const [approvals, overview, rows] = await Promise.all([
      this.api.approvals(),
      empty ? nothing(this.api) : this.api.notebooks(filter),
      this.pages.renew()
    ]);
    if (approvals.ok) {
      this.approvals = approvals.value.approvals;
    }
    if (overview.ok && turn === this.turn) {
      this.overview = overview.value;
      // Names of before stay: a filter hides them, and nothing else.
      this.names = [...new Set([...overview.value.notebooks.map(one => one.notebook), ...this.names])];
    }
    this.status = status?.value ?? this.status;
    const first = [approvals, overview].find(one => !one.ok);
    if (first?.ok === false) {
      return first.problem;
    }
    if (this.problem === null) {
      this.changed.emit();
    }
    const [figures, sessions] = await Promise.all([
      named === null ? null : this.api.notebooks({ ...EVERYTHING, notebook: named }),
      known || this.front?.kernel === null ? null : this.api.sessions()
    ]);
    if (figures?.ok === true && named === this.frontName()) {
      this.figures = figures.value;
    }
    if (sessions?.ok === true) {
      this.sessions = sessions.value.sessions;
      // The notebook in front has a name only now: what it is asked for follows.
      this.again ||= this.frontName() !== named;
    }
    const failed = [figures, sessions].find(one => one?.ok === false);
    if (failed?.ok === false) {
      return failed.problem;
    }
    return rows ? null : { kind: 'unreachable', status: 0, message: 'rows', next: '' };
  }

  /** A row of the list, fetched when it is asked for. */
  row(notebook: string | null, index: number): Row | undefined {
    return this.pages.row(notebook, index);
  }
}

/** What matches a notebook that the history does not know. */
async function nothing(api: Api): Promise<Answer<Notebooks>> {
  const answer = await api.notebooks(EVERYTHING);
  return answer.ok ? { ok: true, value: { ...answer.value, total: 0, stopped: 0, levels: {}, notebooks: [] } } : answer;
}

/* eslint-disable -- generated */ // Made by `npm run wire` from jupyter_modelguard/schemas/wire.json; do not edit.

/**
 * What a load can do, from "nothing but data" to "refused by policy".
 *
 * Levels are compared by `rank`. `UNINSPECTED` ranks with `RUNS_CODE`: what could not be looked at is asked about, never called
 * clean.
 */
export type RiskLevel = 'dangerous' | 'data_only' | 'forbidden' | 'note' | 'runs_code' | 'uninspected';
/**
 * How a load ended, as the history tells it.
 */
export type Outcome = 'abandoned' | 'allowed' | 'blocked' | 'failed' | 'loaded' | 'unguarded' | 'waiting';
/**
 * What a decision covers.
 */
export type Scope = 'commit' | 'digest' | 'once';
/**
 * How much a single finding matters.
 */
export type Severity = 'critical' | 'high' | 'info' | 'low' | 'medium';
/**
 * When a line of a model's own code would run.
 */
export type Phase = 'import' | 'load' | 'method-only' | 'soon';

/**
 * Every answer of the server extension by its name, and the body that it takes.
 */
export interface Wire {
  Status?: Status;
  Scans?: Scans;
  Notebooks?: Notebooks;
  Detail?: Detail;
  Deleted?: Deleted;
  Approvals?: Approvals;
  Decided?: Decided;
  Sessions?: Sessions;
  TrustList?: TrustList;
  Forgotten?: Forgotten;
  Problem?: Problem;
  Answer?: Answer;
}
/**
 * What this server has, and who asks.
 */
export interface Status {
  version: string;
  place: string;
  user: string;
  may_decide: boolean;
  problem: string | null;
  kept_days: number;
  database: 'postgresql' | 'sqlite';
}
/**
 * A page of the list, newest first.
 */
export interface Scans {
  total: number;
  rows: Row[];
}
/**
 * One load in the list.
 */
export interface Row {
  id: string;
  session: string;
  at: number;
  name: string;
  source: string;
  loader: string;
  call: string;
  notebook: string | null;
  cell_id: string | null;
  execution_count: number | null;
  line: number | null;
  level: RiskLevel | null;
  outcome: Outcome;
  by: string | null;
  reason: string | null;
  scope: Scope | null;
  transport: string | null;
  count: number;
  size: number;
  seconds: number;
}
/**
 * What the list counts, latest notebook first.
 *
 * Attributes
 * ----------
 * total, all
 *     Those that match, and those that there are.
 * stopped
 *     Of those that match: blocked, abandoned or waiting.
 * levels
 *     By risk level, as if none were looked for.
 * notebooks
 *     The latest first.
 */
export interface Notebooks {
  total: number;
  all: number;
  stopped: number;
  levels: {
    [k: string]: number;
  };
  notebooks: NotebookCount[];
}
/**
 * How many loads of a notebook there are.
 */
export interface NotebookCount {
  notebook: string | null;
  count: number;
  latest: number;
}
/**
 * All that is known of one load.
 */
export interface Detail {
  row: Row;
  record: {
    [k: string]: unknown;
  };
  findings: Finding[];
  facts: Fact[];
  listings: CodeListing[];
  trail: TrailStep[];
  trusted: string | null;
}
/**
 * Something about an artifact that a person should know.
 */
export interface Finding {
  rule: string;
  severity: Severity;
  title: string;
  location: string;
  cwe: number | null;
  atlas: string | null;
  taxonomy: string | null;
  code: string;
  phase: Phase | null;
}
/**
 * One line of the list under the box: "Checked: 1 of 1 pickle streams".
 */
export interface Fact {
  label: string;
  text: string;
}
/**
 * Code to read: a pickle decompiled, a file of the model's own, a rule, or two versions of a file in comparison.
 */
export interface CodeListing {
  heading: string;
  source: string;
  rows: CodeRow[];
}
/**
 * One line of a listing.
 */
export interface CodeRow {
  number: number;
  text: string;
  flagged: boolean;
  note: string;
  change: string;
}
/**
 * One thing that became of a load.
 */
export interface TrailStep {
  what: string;
  at: number;
  by: string;
  how: string;
}
/**
 * How many lines of the history went.
 */
export interface Deleted {
  deleted: number;
}
/**
 * What waits for a decision, oldest first.
 */
export interface Approvals {
  approvals: Approval[];
}
/**
 * A load that somebody may decide about.
 */
export interface Approval {
  id: string;
  session: string;
  asked: number;
  waiting: boolean;
  view: CardView;
  seen: string;
  notebook: string | null;
  cell_id: string | null;
  execution_count: number | null;
  line: number | null;
}
/**
 * Everything a card shows.
 */
export interface CardView {
  id: string;
  level: RiskLevel;
  title: string;
  consequence: string;
  chip: string;
  object: string;
  call: string;
  place: string;
  would: string;
  calls: CallRow[];
  missed: string[];
  facts: Fact[];
  safer: SaferWay[];
  reasons: string[];
  scopes: ScopeChoice[];
  confirm: string[];
  every_call: CallRow[];
  listings: CodeListing[];
  opcodes: TraceStep[];
  tree: CallNode[];
  phases: PhaseColumn[];
  remark: string;
  since: string;
  changes: ChangeRow[];
  differences: CodeListing[];
  rule: Fact[];
  sought: boolean;
  limits: string;
}
/**
 * One function that the file would have Python call.
 */
export interface CallRow {
  name: string;
  count: number;
  note: string;
  origin: string;
  judged: string;
  flagged: boolean;
}
/**
 * Another way to the same weights that was tried here and works.
 */
export interface SaferWay {
  label: string;
  code: string;
  note: string;
  before: string;
  cell: string;
}
/**
 * One answer to "What do you allow?".
 */
export interface ScopeChoice {
  value: string;
  label: string;
  button: string;
  hint: string;
  enabled: boolean;
}
/**
 * One opcode, for people who want to see the evidence.
 */
export interface TraceStep {
  position: number;
  opcode: string;
  argument: string;
  flagged: boolean;
  meaning: string;
}
/**
 * One call that a stream makes, in the order of a tree that is read from the top: what it is made of stands below it, deeper.
 */
export interface CallNode {
  depth: number;
  name: string;
  arguments: string;
  position: number;
  count: number;
  flagged: boolean;
}
/**
 * What would happen at one time: on import, while loading, soon after, or only if something calls it.
 */
export interface PhaseColumn {
  title: string;
  note: string;
  rows: PhaseRow[];
  more: number;
}
/**
 * Something that code of a model's own was found to do.
 */
export interface PhaseRow {
  text: string;
  place: string;
}
/**
 * One difference to what was approved before.
 */
export interface ChangeRow {
  change: string;
  what: string;
  name: string;
  note: string;
}
/**
 * What was decided, and as whom.
 */
export interface Decided {
  decided: boolean;
  allow: boolean;
  by: string;
}
/**
 * The processes that wrote to the history, latest first.
 */
export interface Sessions {
  sessions: Session[];
}
/**
 * One process that wrote to the history.
 */
export interface Session {
  session: string;
  kernel: string | null;
  notebook: string | null;
  host: string;
  started: number;
  ended: number | null;
  alive: boolean | null;
  version: string;
}
/**
 * What is trusted for longer than one load, oldest first.
 */
export interface TrustList {
  trusted: Trusted[];
}
/**
 * Something that loads without a question.
 */
export interface Trusted {
  id: string;
  what: string;
  scope: Scope;
  by: string;
  at: number;
  reason: string;
}
/**
 * What is not trusted any more.
 */
export interface Forgotten {
  forgotten: string;
}
/**
 * Why nothing came of a request, and what to do.
 */
export interface Problem {
  message: string;
  next: string;
}
/**
 * What the card sends when a person has decided, but for its token; and which card that was.
 */
export interface Answer {
  decision: 'allow' | 'deny';
  reason?: string;
  scope?: string;
  finding?: string;
  instead?: string;
  seen?: string;
}

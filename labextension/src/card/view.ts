/**
 * What the kernel asks the card to show: the CardView of `jupyter_modelguard/approval/view.py`, field for field.
 *
 * Every string in it may have been written by a stranger.
 */

export type Level = 'data_only' | 'note' | 'runs_code' | 'uninspected' | 'dangerous' | 'forbidden';

export interface CallRow {
  name: string;
  count: number;
  note: string;
  origin: string;
  judged: string;
  flagged: boolean;
}

export interface Fact {
  label: string;
  text: string;
}

export interface CodeRow {
  number: number;
  text: string;
  flagged: boolean;
  /** Said below the line. */
  note: string;
  /** "+" or "-" in a comparison. */
  change: string;
}

export interface ChangeRow {
  change: string;
  what: string;
  name: string;
  note: string;
}

export interface PhaseRow {
  text: string;
  /** "modeling_chat.py:3" */
  place: string;
}

/** What code would do at one time. */
export interface PhaseColumn {
  title: string;
  note: string;
  rows: PhaseRow[];
  /** Rows that there was no place for. */
  more: number;
}

export interface CallNode {
  depth: number;
  name: string;
  arguments: string;
  position: number;
  count: number;
  flagged: boolean;
}

export interface CodeListing {
  heading: string;
  source: string;
  rows: CodeRow[];
}

export interface ScopeChoice {
  value: string;
  label: string;
  button: string;
  hint: string;
  enabled: boolean;
}

export interface SaferWay {
  label: string;
  /** The lines of the call as they would be. */
  code: string;
  /** What was tried, and what it gives. */
  note: string;
  /** Those lines as they are; empty where the call was not found in the cell. */
  before: string;
  /** The whole cell as it would be; empty where only lines of it can be told. */
  cell: string;
}

export interface TraceStep {
  position: number;
  opcode: string;
  argument: string;
  flagged: boolean;
  meaning: string;
}

export interface CardView {
  id: string;
  level: Level;
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
  /** Of a model's own code: what would happen when. */
  phases: PhaseColumn[];
  remark: string;
  since: string;
  changes: ChangeRow[];
  differences: CodeListing[];
  /** What a policy forbids by: its name, reason and place; empty where none does. */
  rule: Fact[];
  /** Whether a safer way was looked for: only then can none have been found. */
  sought: boolean;
  limits: string;
}

type Fields = Record<string, unknown>;

const LEVELS: readonly Level[] = ['data_only', 'note', 'runs_code', 'uninspected', 'dangerous', 'forbidden'];

/** Read the trait, JSON text or already an object; null when it is not a view, which is then never drawn as if it were one. */
export function readView(trait: unknown): CardView | null {
  let value = trait;
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value) as unknown;
    } catch {
      return null;
    }
  }
  if (!isFields(value)) {
    return null;
  }
  const level = LEVELS.find(one => one === value.level);
  if (level === undefined || text(value, 'id') === '') {
    return null;
  }
  return {
    id: text(value, 'id'),
    level,
    title: text(value, 'title'),
    consequence: text(value, 'consequence'),
    chip: text(value, 'chip'),
    object: text(value, 'object'),
    call: text(value, 'call'),
    place: text(value, 'place'),
    would: text(value, 'would'),
    calls: list(value, 'calls').map(callRow),
    missed: texts(value, 'missed'),
    facts: list(value, 'facts').map(fact),
    safer: list(value, 'safer').map(row => ({
      label: text(row, 'label'),
      code: text(row, 'code'),
      note: text(row, 'note'),
      before: text(row, 'before'),
      cell: text(row, 'cell')
    })),
    reasons: texts(value, 'reasons'),
    scopes: list(value, 'scopes').map(row => ({
      value: text(row, 'value'),
      label: text(row, 'label'),
      button: text(row, 'button'),
      hint: text(row, 'hint'),
      enabled: row.enabled === true
    })),
    confirm: texts(value, 'confirm'),
    every_call: list(value, 'every_call').map(callRow),
    listings: list(value, 'listings').map(codeListing),
    opcodes: list(value, 'opcodes').map(row => ({
      position: number(row, 'position'),
      opcode: text(row, 'opcode'),
      argument: text(row, 'argument'),
      flagged: row.flagged === true,
      meaning: text(row, 'meaning')
    })),
    tree: list(value, 'tree').map(row => ({
      depth: number(row, 'depth'),
      name: text(row, 'name'),
      arguments: text(row, 'arguments'),
      position: number(row, 'position'),
      count: number(row, 'count'),
      flagged: row.flagged === true
    })),
    phases: list(value, 'phases').map(row => ({
      title: text(row, 'title'),
      note: text(row, 'note'),
      rows: list(row, 'rows').map(line => ({ text: text(line, 'text'), place: text(line, 'place') })),
      more: number(row, 'more')
    })),
    remark: text(value, 'remark'),
    since: text(value, 'since'),
    changes: list(value, 'changes').map(row => ({
      change: text(row, 'change'),
      what: text(row, 'what'),
      name: text(row, 'name'),
      note: text(row, 'note')
    })),
    differences: list(value, 'differences').map(codeListing),
    rule: list(value, 'rule').map(fact),
    sought: value.sought === true,
    limits: text(value, 'limits')
  };
}

/** Read facts that came without a view; what is none is left out. */
export function readFacts(trait: unknown): Fact[] {
  return Array.isArray(trait) ? trait.filter(isFields).map(fact) : [];
}

function fact(row: Fields): Fact {
  return { label: text(row, 'label'), text: text(row, 'text') };
}

function callRow(row: Fields): CallRow {
  return {
    name: text(row, 'name'),
    count: number(row, 'count'),
    note: text(row, 'note'),
    origin: text(row, 'origin'),
    judged: text(row, 'judged'),
    flagged: row.flagged === true
  };
}

function codeListing(row: Fields): CodeListing {
  return {
    heading: text(row, 'heading'),
    source: text(row, 'source'),
    rows: list(row, 'rows').map(line => ({
      number: number(line, 'number'),
      text: text(line, 'text'),
      flagged: line.flagged === true,
      note: text(line, 'note'),
      change: text(line, 'change')
    }))
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === 'number' ? value : 0;
}

function list(fields: Fields, name: string): Fields[] {
  const value = fields[name];
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function texts(fields: Fields, name: string): string[] {
  const value = fields[name];
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : [];
}

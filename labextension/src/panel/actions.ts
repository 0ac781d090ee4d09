/** What the panel cannot do by itself: it asks whoever put it into JupyterLab. */

import type { GuardState } from '../guardState';
import type { Answer, Decision, Format } from './api';
import type { Filter } from './filter';
import type { Approval, Decided, Detail, Row } from './wire';

export interface PanelFront {
  /** Name of the notebook in front; null where there is none with a Python kernel. */
  notebook: string | null;
  guard: GuardState;
  place: string | null;
}

export interface PanelActions {
  front: () => PanelFront;
  /** How a notebook of the history is called here. */
  nameOf: (notebook: string) => string;
  guard: () => void;
  /** Null where there is no notebook to put the demo's cell into. */
  demo: (() => void) | null;
  openCell: (place: Row | Approval) => void;
  /** Put a rewritten cell below the one that waits; null when it is there, else why it is not. */
  putCell: (approval: Approval, source: string) => string | null;
  decide: (approval: Approval, decision: Decision) => Promise<Answer<Decided>>;
  detail: (row: Row) => Promise<Answer<Detail>>;
  exportAll: (format: Format, filter: Filter) => void;
  exportOne: (detail: Detail) => void;
  forget: (detail: Detail) => Promise<boolean>;
  delete: (detail: Detail) => Promise<boolean>;
}

/** How each level looks: the name its colours go by, and its shape. Colour never stands alone. */

import type { IconName } from './icons';
import type { CardView, Level } from './view';

export interface LevelLook {
  /** Value of `data-level` in the style sheet. */
  style: 'runs' | 'danger' | 'forbid' | 'unseen' | 'ok';
  icon: IconName;
}

const LOOKS: Record<Level, LevelLook> = {
  data_only: { style: 'ok', icon: 'ok' },
  note: { style: 'ok', icon: 'ok' },
  runs_code: { style: 'runs', icon: 'runs' },
  uninspected: { style: 'unseen', icon: 'unseen' },
  dangerous: { style: 'danger', icon: 'danger' },
  forbidden: { style: 'forbid', icon: 'forbid' }
};

/** The shape at the head of a card: within the levels that run code it also says how. */
export function shapeOf(view: CardView): IconName {
  if (view.level !== 'runs_code') {
    return lookOf(view.level).icon;
  }
  if (view.changes.length > 0) {
    return 'diff';
  }
  return view.title.startsWith('Stopped before importing') ? 'remote' : 'runs';
}

export function lookOf(level: Level): LevelLook {
  return LOOKS[level];
}

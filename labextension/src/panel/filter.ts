/** Which records the list shows, and how the server is told. */

import type { IconName } from '../card/icons';
import type { Level } from '../card/view';

export interface Filter {
  text: string;
  /** Empty: all of them. */
  levels: readonly Level[];
  /** The notebook as the history names it; undefined: all notebooks, null: what was loaded outside of one. */
  notebook: string | null | undefined;
}

export const EVERYTHING: Filter = { text: '', levels: [], notebook: undefined };

/** A chip may stand for two levels: a note is nothing to be asked about. */
export interface LevelChip {
  key: 'runs' | 'danger' | 'forbid' | 'unseen' | 'ok';
  icon: IconName;
  levels: readonly Level[];
}

export const CHIPS: readonly LevelChip[] = [
  { key: 'runs', icon: 'runs', levels: ['runs_code'] },
  { key: 'danger', icon: 'danger', levels: ['dangerous'] },
  { key: 'forbid', icon: 'forbid', levels: ['forbidden'] },
  { key: 'unseen', icon: 'unseen', levels: ['uninspected'] },
  { key: 'ok', icon: 'ok', levels: ['data_only', 'note'] }
];

/** How many restrictions are set besides the notebook. */
export function restrictions(filter: Filter): number {
  return CHIPS.filter(chip => isOn(filter, chip)).length;
}

export function isOn(filter: Filter, chip: LevelChip): boolean {
  return chip.levels.some(level => filter.levels.includes(level));
}

export function toggled(filter: Filter, chip: LevelChip): Filter {
  const others = filter.levels.filter(level => !chip.levels.includes(level));
  return { ...filter, levels: isOn(filter, chip) ? others : [...others, ...chip.levels] };
}

/** A query with its question mark; empty where nothing is asked for. */
export function asQuery(filter: Filter, more: Record<string, string> = {}): string {
  const query = new URLSearchParams();
  if (filter.text.trim() !== '') {
    query.set('text', filter.text.trim());
  }
  for (const level of filter.levels) {
    query.append('level', level);
  }
  if (filter.notebook !== undefined) {
    query.set('notebook', filter.notebook ?? '');
  }
  for (const [name, value] of Object.entries(more)) {
    query.set(name, value);
  }
  const said = query.toString();
  return said === '' ? '' : `?${said}`;
}

/** What the panel says of a record: levels, outcomes, places and times, through the translation bundle. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IconName } from '../card/icons';
import { lookOf } from '../card/level';
import type { Level } from '../card/view';
import type { LevelChip } from './filter';
import type { Row } from './wire';

const INSTEAD = 'instead: ';
/** Characters of a folder that have room in the line of a record. */
const LONG_FOLDER = 30;

export function levelStyle(level: Level | null): { style: string; icon: IconName } {
  return level === null ? { style: 'none', icon: 'gone' } : lookOf(level);
}

export function levelWord(level: Level | null, words: TranslationBundle): string {
  switch (level) {
    case 'runs_code':
      return words.__('Runs code');
    case 'dangerous':
      return words.__('Dangerous');
    case 'forbidden':
      return words.__('Forbidden');
    case 'uninspected':
      return words.__('Not inspected');
    case 'data_only':
    case 'note':
      return words.__('Nothing found');
    case null:
      return words.__('Not checked');
  }
}

export function chipWord(chip: LevelChip, words: TranslationBundle): string {
  return levelWord(chip.levels[0] ?? null, words);
}

/** How the load ended, and who said so. */
export function outcomeWords(row: Row, words: TranslationBundle): string {
  const by = row.by ?? '';
  switch (row.outcome) {
    case 'loaded':
      return words.__('loaded');
    case 'allowed':
      return allowedWords(row.scope, by, words);
    case 'blocked':
      if (row.reason?.startsWith(INSTEAD) === true) {
        return words.__('instead: %1', row.reason.slice(INSTEAD.length));
      }
      if (row.transport === 'policy') {
        return words.__('blocked by policy');
      }
      if (row.transport === 'headless' || row.transport === 'none') {
        return words.__('blocked, nobody could be asked');
      }
      return by === '' ? words.__('kept blocked') : words.__('kept blocked by %1', by);
    case 'failed':
      return words.__('the load failed');
    case 'waiting':
      return words.__('waiting for you');
    case 'abandoned':
      return words.__('not decided: the kernel went away');
    case 'unguarded':
      return words.__('seen, but not stopped');
  }
}

function allowedWords(scope: string | null, by: string, words: TranslationBundle): string {
  switch (scope) {
    case 'digest':
      return by === '' ? words.__('allowed from now on') : words.__('allowed from now on by %1', by);
    case 'commit':
      return by === '' ? words.__('allowed for this commit') : words.__('allowed for this commit by %1', by);
    default:
      return by === '' ? words.__('allowed once') : words.__('allowed once by %1', by);
  }
}

/** Where it came from, in a few words. */
export function sourceWords(row: Row, words: TranslationBundle): string {
  const repository = /^hf:([^@]+)(?:@([0-9a-f]{7}))?/.exec(row.source);
  if (repository !== null) {
    const [, name = '', commit = ''] = repository;
    return commit === '' ? `hf: ${name}` : `hf: ${name} @${commit}`;
  }
  if (row.source.startsWith('<')) {
    return words.__('from memory, %1', row.loader);
  }
  const folder = row.source.replaceAll('\\', '/').split('/').slice(0, -1).join('/');
  return folder === '' ? words.__('local file, %1', row.loader) : nearEnd(folder);
}

/** A folder by its last two names where it is long: what it begins with tells the least. */
function nearEnd(folder: string): string {
  return folder.length > LONG_FOLDER ? `…/${folder.split('/').slice(-2).join('/')}` : folder;
}

/** "In [7] line 3"; empty where nothing is known. */
export function cellWords(place: { execution_count: number | null; line: number | null }, words: TranslationBundle): string {
  const cell = place.execution_count === null ? '' : words.__('In [%1]', place.execution_count);
  const line = place.line === null ? '' : words.__('line %1', place.line);
  return [cell, line].filter(part => part !== '').join(' ');
}

/** The clock of today, or the day; seconds since the epoch. */
export function timeWords(at: number, now = Date.now()): string {
  const when = new Date(at * 1000);
  const today = when.toDateString() === new Date(now).toDateString();
  return today ? clock(at) : when.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
}

export function clock(at: number, seconds = false): string {
  const options: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hour12: false };
  return new Date(at * 1000).toLocaleTimeString(undefined, seconds ? { ...options, second: '2-digit' } : options);
}

export function fullTime(at: number): string {
  return new Date(at * 1000).toLocaleString();
}

/** "0:42", "1:03:10". */
export function waited(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

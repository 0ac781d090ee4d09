import { afterEach, describe, expect, it } from 'vitest';

import { Board } from '../src/card/board';
import type { CardState } from '../src/card/model';
import type { CardView, Level } from '../src/card/view';
import { around, SLOT, speak, words } from '../src/card/words';
import { FakeModel } from './card.fixture';

afterEach(() => {
  speak();
  document.body.replaceChildren();
});

/** A language in which every sentence of ours stands between two marks. */
const MARKED = {
  __: (text: string, ...values: (string | number)[]) => `⟦${filled(text, values)}⟧`,
  _n: (one: string, many: string, count: number, ...values: (string | number)[]) =>
    `⟦${filled(count === 1 ? one : many, [count, ...values])}⟧`
};

function filled(text: string, values: (string | number)[]): string {
  return text.replace(/%(\d+)/g, (_slot, number) => String(values[Number(number) - 1]));
}

/** A view of which no word was written by us: the kernel's words are numbers here. */
function wordless(level: Level): CardView {
  const row = { number: 1, text: '0', flagged: true, note: '1', change: '' };
  const long = Array.from({ length: 45 }, (_, number) => ({
    ...row,
    number,
    flagged: number === 40,
    change: number === 2 ? '+' : ''
  }));
  const call = { name: '2.3', count: 2, note: '4', origin: '5', judged: '6', flagged: true };
  const removed = { ...row, change: '-' };
  const step = { position: 1, opcode: '7', argument: '8', flagged: false, meaning: '9' };
  return {
    id: '10',
    level,
    title: '11',
    consequence: '12',
    chip: '13',
    object: '9'.repeat(80),
    call: '14',
    place: '15',
    would: '16',
    calls: [call, call, call, call],
    missed: ['17: 18'],
    facts: [{ label: '19', text: `20${' '.repeat(50)}\u202e\u0301\u0301\u0301\u00a0\u0007\u2028` }],
    safer: level === 'runs_code' ? [{ label: '21', code: '22', note: '23', before: '24', cell: '25\n26' }] : [],
    reasons: ['27'],
    scopes: level === 'forbidden' ? [] : [{ value: '28', label: '29', button: '30', hint: '31', enabled: true }],
    confirm: level === 'dangerous' ? ['32', '3\u0438'] : [],
    every_call: [call],
    listings: [
      { heading: '34', source: '35', rows: long },
      { heading: '34', source: '35', rows: [removed] }
    ],
    opcodes: Array.from({ length: 45 }, () => step),
    tree: [{ depth: 0, name: '36', arguments: '37', position: 3, count: 2, flagged: true }],
    phases: [
      { title: '48', note: '49', rows: [{ text: '50', place: '51' }], more: 3 },
      { title: '52', note: '53', rows: [], more: 0 }
    ],
    remark: '38',
    since: '39',
    changes: [{ change: '+', what: '40', name: '41', note: '42' }],
    differences: [{ heading: '43', source: '44', rows: [removed] }],
    rule: [{ label: '45', text: '46' }],
    sought: true,
    limits: '47'
  };
}

function openEverything(host: HTMLElement): void {
  for (let round = 0; round < 3; round++) {
    for (const opener of host.querySelectorAll<HTMLElement>('[aria-expanded=false], .mg-link, .mg-do .mg-btn--safe')) {
      opener.click();
    }
  }
}

/** Whatever a person can read or hear: the text, titles and labels. */
function said(host: HTMLElement): string[] {
  const labelled = [...host.querySelectorAll('[title], [aria-label]')];
  return [host.textContent, ...labelled.flatMap(one => [one.getAttribute('title') ?? '', one.getAttribute('aria-label') ?? ''])];
}

/** What is left of it without the marked sentences: the product's name, code points with the standard's names, and nothing else. */
function unmarked(host: HTMLElement): string[] {
  return said(host)
    .map(text => text.replace(/⟦[^⟦⟧]*(?:⟦[^⟦⟧]*⟧[^⟦⟧]*)*⟧/gu, ''))
    .map(text => text.replace(/modelguard|\\[uxnrt][0-9a-f]*|U\+[0-9A-F]{4}( [A-Z][A-Z -]+)?/gu, ''))
    .filter(text => /\p{L}/u.test(text.replaceAll('\u0438', '')));
}

function drawn(view: unknown, state: CardState, others: unknown = []): HTMLElement {
  const host = document.createElement('div');
  document.body.append(host);
  const model = new FakeModel(view, state);
  model.put('others', others);
  model.put('progress', { percent: 40, text: '48' });
  const board = new Board(model, host);
  model.put('progress', { percent: 41, text: '49' });
  openEverything(host);
  board.dispose();
  return host;
}

describe('The card', () => {
  const levels: Level[] = ['runs_code', 'dangerous', 'forbidden', 'uninspected', 'data_only', 'note'];

  it.each(levels)('says nothing of a %s load outside of the translation', level => {
    speak(MARKED);
    expect(unmarked(drawn(wordless(level), 'stopped'))).toEqual([]);
  });

  it.each<CardState>(['checking', 'deciding', 'receipt', 'denied', 'stale', 'abandoned'])(
    'says nothing outside of it when %s',
    state => {
      speak(MARKED);
      expect(unmarked(drawn(wordless('forbidden'), state))).toEqual([]);
    }
  );

  it('says nothing outside of it of a load that cannot be drawn, and of several', () => {
    speak(MARKED);
    expect(unmarked(drawn('', 'stopped'))).toEqual([]);
    const others = [
      ...levels.slice(0, 3).map(level => ({ token: level, view: wordless(level), state: 'stopped' })),
      { token: 'x', state: 'denied' }
    ];
    expect(unmarked(drawn(wordless('runs_code'), 'stopped', [...others, { token: 'y', state: 'stopped' }]))).toEqual([]);
  });

  it('speaks English where nobody translates', () => {
    const text = drawn(wordless('dangerous'), 'stopped').textContent;
    expect(text).toContain('Keep blocked');
    expect(text).toContain('Type 32 or 3\\u0438 to run it');
  });
});

describe('Words', () => {
  it('choose by number, and put values where the sentence wants them', () => {
    expect(words._n('%1 file of %2', '%1 files of %2', 1, 'ada')).toBe('1 file of ada');
    expect(words._n('%1 file of %2', '%1 files of %2', 2, '%1')).toBe('2 files of %1');
    expect(words.__('Run %load_ext modelguard')).toBe('Run %load_ext modelguard');
  });

  it('hold an element wherever a language wants it', () => {
    const key = document.createElement('kbd');
    expect(around(`a ${SLOT} b`, key)).toEqual(['a ', key, ' b']);
    expect(around(`${SLOT} b`, key)).toEqual(['', key, ' b']);
  });
});

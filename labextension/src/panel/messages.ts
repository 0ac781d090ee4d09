/** What stands in the place of the list where there is none, and the banners above it: each says what to do next. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { copyButton } from '../card/clipboard';
import { button, element, type Child } from '../card/element';
import { icon } from '../card/icons';
import { strange } from '../card/text';
import { around, SLOT } from '../card/words';
import { drawing } from '../shield';
import type { Problem } from './api';
import { clock } from './words';

export interface Offer {
  label: string;
  press: () => void;
}

/** Nothing was ever checked. */
export function nothingYet(words: TranslationBundle, demo: Offer | null): HTMLElement {
  return state('ok', drawing('guarded'), words.__('No model loads checked yet'), [
    paragraph(words.__('Load a model in a cell and its check appears here. Files that only hold data load without a question.')),
    demo === null ? null : element('div', { class: 'mg-row' }, button('mg-btn', demo.press, demo.label)),
    withCode(words.__('or run %1', SLOT), '%modelguard demo')
  ]);
}

/** Nothing of this notebook: it is not guarded, or has loaded nothing. */
export function nothingHere(words: TranslationBundle, guarded: boolean, everywhere: Offer | null): HTMLElement {
  return state('none', drawing(guarded ? 'guarded' : 'unguarded'), words.__('Nothing recorded for this notebook'), [
    guarded
      ? paragraph(words.__('Load a model in a cell and its check appears here.'))
      : withCode(words.__('Guard it, or run %1 in its first cell.', SLOT), '%load_ext modelguard'),
    everywhere === null ? null : offers(everywhere)
  ]);
}

export function noMatch(words: TranslationBundle, filters: number, text: boolean, hidden: number, ways: Offer[]): HTMLElement {
  const set = [filters > 0 ? words._n('%1 filter', '%1 filters', filters) : '', text ? words.__('a text') : ''].filter(
    part => part !== ''
  );
  const are = filters + (text ? 1 : 0) > 1 ? words.__('are set') : words.__('is set');
  const checks = words._n('%1 check is hidden', '%1 checks are hidden', hidden);
  return state('none', null, words.__('No check matches'), [
    paragraph(`${set.join(` ${words.__('and')} `)} ${are}. ${checks}.`),
    offers(...ways)
  ]);
}

/** The Jupyter server has no such routes: the kernels guard, and nobody lists what they did. */
export function missing(words: TranslationBundle, again: Offer): HTMLElement {
  return state('unseen', icon('plug'), words.__('The history is not available on this server'), [
    paragraph(
      words.__('Guarding works without it: kernels check their loads and ask in the notebook. Only this list is missing.')
    ),
    withCode(words.__('To have it, run %1 where the Jupyter server is installed,', SLOT), 'pip install jupyter-modelguard'),
    withCode(words.__('then %1 and start the server again.', SLOT), 'jupyter server extension enable jupyter_modelguard'),
    offers(again)
  ]);
}

export function unreachable(words: TranslationBundle, problem: Problem, tried: number, again: Offer): HTMLElement {
  const copy = copyButton(
    'mg-btn mg-btn--s',
    words.__('Copy details'),
    () => `modelguard ${new Date(tried).toISOString()}: ${String(problem.status)} ${problem.message} ${location.origin}`
  );
  return banner(words.__('Cannot reach the Jupyter server'), [
    paragraph(
      words.__(
        'What waits stays blocked: kernels guard their loads without the server. Decisions cannot be sent until it answers.'
      )
    ),
    element('div', { class: 'mg-row' }, button('mg-btn mg-btn--s', again.press, again.label), copy),
    // Said once, not at every try.
    element('p', { 'data-tried': '', 'aria-live': 'off' }, triedWords(words, tried))
  ]);
}

export function triedWords(words: TranslationBundle, tried: number): string {
  return words.__('Last tried %1. Trying again in the background.', clock(tried / 1000, true));
}

/** The server answers and says no: its own words, and what it says to do. */
export function refused(title: string, problem: Pick<Problem, 'message' | 'next'>): HTMLElement {
  return banner(title, [
    problem.message === '' ? null : paragraph(problem.message),
    problem.next === '' ? null : paragraph(problem.next)
  ]);
}

/** A line that says what came of something, and goes when it is pressed away. */
export function note(words: TranslationBundle, text: string, close: () => void): HTMLElement {
  return element(
    'div',
    { class: 'mg-banner mg-note-line', 'data-level': 'info' },
    paragraph(text),
    button('mg-btn mg-btn--s', close, words.__('Close'))
  );
}

function banner(title: string, rest: Child[]): HTMLElement {
  return element(
    'div',
    { class: 'mg-banner', 'data-level': 'unseen' },
    element('div', { class: 'mg-line1' }, icon('plug'), element('span', {}, title)),
    ...rest
  );
}

function state(level: string, drawn: SVGSVGElement | null, title: string, rest: Child[]): HTMLElement {
  return element('div', { class: 'mg-state', 'data-level': level }, drawn, element('h4', {}, title), ...rest);
}

function offers(...ways: Offer[]): HTMLElement {
  return element('div', { class: 'mg-row' }, ...ways.map(way => button('mg-btn mg-btn--s', way.press, way.label)));
}

function paragraph(text: string): HTMLParagraphElement {
  return element('p', {}, strange(text));
}

/** A sentence with code in it, wherever the translation puts it. */
function withCode(sentence: string, code: string): HTMLParagraphElement {
  return element('p', {}, ...around(sentence, element('code', {}, code)));
}

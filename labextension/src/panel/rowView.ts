/** One record of the list, in three lines of a fixed height; what does not fit is in the detail view. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { element } from '../card/element';
import { icon } from '../card/icons';
import { plain, strange } from '../card/text';
import type { Row } from './wire';
import { fullTime, levelStyle, levelWord, outcomeWords, sourceWords, timeWords } from './words';

const LONGEST = 30;
const HEAD = 17;
const TAIL = 9;

/** Fill the button of a row; undefined while it is being fetched. */
export function fillRow(button: HTMLElement, row: Row | undefined, words: TranslationBundle): void {
  if (row === undefined) {
    button.dataset.level = 'none';
    button.title = '';
    button.replaceChildren(element('span', { class: 'mg-line1 mg-2nd' }, words.__('Loading…')));
    return;
  }
  const { style, icon: shape } = levelStyle(row.level);
  button.dataset.level = style;
  button.title = plain(row.name);
  const time = element('time', { datetime: new Date(row.at * 1000).toISOString(), title: fullTime(row.at) }, timeWords(row.at));
  const times = row.count > 1 ? element('span', { class: 'mg-2nd' }, words.__('×%1', row.count)) : null;
  button.replaceChildren(
    element('span', { class: 'mg-line1' }, icon(shape), nameOf(row.name), times, time),
    element('span', { class: 'mg-line2' }, `${levelWord(row.level, words)} · `, strange(outcomeWords(row, words))),
    element('span', { class: 'mg-line2' }, strange(sourceWords(row, words)))
  );
}

/**
 * A name in one line: where there is no room its beginning is cut, never its ending. A long one is cut in the middle beforehand, and a box
 * says so, which no name can draw.
 */
export function nameOf(name: string): HTMLElement {
  const characters = Array.from(name);
  const cut = characters.length > LONGEST;
  const tail = cut ? TAIL : endingOf(name);
  const drawn = element('span', { class: 'nm mg-x' });
  const head = strange(characters.slice(0, cut ? HEAD : characters.length - tail).join(''));
  head.classList.add('mg-head-of');
  drawn.append(head);
  if (cut) {
    drawn.append(element('span', { class: 'mg-esc', title: plain(name) }, '…'));
  }
  if (tail > 0) {
    drawn.append(strange(characters.slice(-tail).join('')));
  }
  return drawn;
}

/** How many characters tell what kind of file it is: those from its last dot on. */
function endingOf(name: string): number {
  return /\.[\w-]{1,12}$/.exec(name)?.[0].length ?? 0;
}

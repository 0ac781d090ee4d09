/** The last line: which record this is, what the guard cannot see, and what Esc does. */

import { button, disclosure, element } from './element';
import { plain, strange } from './text';
import type { CardView } from './view';
import { around, SLOT, words } from './words';

export function foot(view: CardView): HTMLElement[] {
  const number = element('span', { class: 'mg-num' }, `#${plain(view.id)}`);
  const last = view.level === 'forbidden' ? element('span', {}, words.__('Nothing was loaded')) : escHint();
  if (view.limits === '') {
    return [element('div', { class: 'mg-foot' }, number, last)];
  }
  const opener = button('mg-link', () => undefined, words.__('What this cannot see'));
  const limits = element('p', { class: 'mg-foot' }, strange(view.limits));
  disclosure(opener, limits);
  return [element('div', { class: 'mg-foot' }, element('span', {}, number, ' · ', opener), last), limits];
}

/** What the one key does. */
export function escHint(): HTMLElement {
  const key = element('kbd', {}, words.__('Esc'));
  return element('span', { 'data-hint': '' }, ...around(words.__('%1 keeps it blocked', SLOT), key));
}

/** The last line: which record this is, what the guard cannot see, and what Esc does. */

import { button, disclosure, element } from './element';
import { plain, strange } from './text';
import type { CardView } from './view';

export function foot(view: CardView): HTMLElement[] {
  const number = element('span', { class: 'mg-num' }, `#${plain(view.id)}`);
  const last =
    view.level === 'forbidden'
      ? element('span', {}, 'Nothing was loaded')
      : element('span', { 'data-hint': '' }, element('kbd', {}, 'Esc'), ' keeps it blocked');
  if (view.limits === '') {
    return [element('div', { class: 'mg-foot' }, number, last)];
  }
  const opener = button('mg-link', () => undefined, 'What this cannot see');
  const limits = element('p', { class: 'mg-foot' }, strange(view.limits));
  disclosure(opener, limits);
  return [element('div', { class: 'mg-foot' }, element('span', {}, number, ' · ', opener), last), limits];
}

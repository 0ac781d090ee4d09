/** The card while the file is being checked: nothing has been loaded, and it can be left at that. */

import { button, element } from './element';
import { subtitle } from './head';
import { icon } from './icons';
import type { CardView } from './view';

export function checking(view: CardView | null, titleId: string, keepBlocked: () => void): HTMLElement[] {
  const stop = button('mg-btn mg-btn--s', keepBlocked, 'Stop and keep blocked');
  stop.dataset.decides = '';
  return [
    element(
      'div',
      { class: 'mg-head' },
      icon('turning', 'mg-spin'),
      element('h3', { class: 'mg-title', id: titleId, tabindex: '-1' }, 'Checking before loading'),
      stop,
      view === null ? null : subtitle(view),
      element('div', { class: 'mg-sub' }, 'Nothing has been loaded yet.')
    )
  ];
}

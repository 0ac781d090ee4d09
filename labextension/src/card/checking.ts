/** The card while the file is being checked: nothing has been loaded, and it can be left at that. */

import { button, element } from './element';
import { subtitle } from './head';
import { icon } from './icons';
import { plain } from './text';
import type { CardView } from './view';
import { words } from './words';

export function checking(view: CardView | null, titleId: string, keepBlocked: () => void): HTMLElement[] {
  const stop = button('mg-btn mg-btn--s', keepBlocked, words.__('Stop and keep blocked'));
  stop.dataset.decides = '';
  return [
    element(
      'div',
      { class: 'mg-head' },
      icon('turning', 'mg-spin'),
      element('h3', { class: 'mg-title', id: titleId, tabindex: '-1' }, words.__('Checking before loading')),
      stop,
      view === null ? null : subtitle(view),
      element('div', { class: 'mg-sub', 'data-progress': '' }),
      element('div', { class: 'mg-sub' }, words.__('Nothing has been loaded yet.'))
    )
  ];
}

/** Say how far the check is: a sentence, and a bar where the part that is done is known. The focus stays where it is. */
export function showProgress(host: HTMLElement, progress: unknown): void {
  const title = host.querySelector('.mg-title');
  const place = host.querySelector('[data-progress]');
  if (title === null || place === null || typeof progress !== 'object' || progress === null) {
    return;
  }
  const { percent, text } = progress as { percent?: unknown; text?: unknown };
  const said = typeof text === 'string' ? element('span', {}, plain(text)) : null;
  if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100)) {
    title.textContent = words.__('Checking before loading');
    place.replaceChildren(...(said === null ? [] : [said]));
    return;
  }
  const done = Math.round(percent);
  title.textContent = words.__('Checking before loading · %1 %', done);
  const bar = element('i');
  bar.style.width = `${done}%`;
  const track = element(
    'div',
    { class: 'mg-prog', role: 'progressbar', 'aria-valuenow': String(done), 'aria-valuemin': '0', 'aria-valuemax': '100' },
    bar
  );
  track.setAttribute('aria-labelledby', title.id);
  place.replaceChildren(...(said === null ? [track] : [said, track]));
}

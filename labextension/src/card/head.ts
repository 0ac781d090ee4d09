/** The top of the card: what happened, to what, by which call, where. */

import { element, type Child } from './element';
import { icon } from './icons';
import { lookOf } from './level';
import { plain, strange, strangeName } from './text';
import type { CardView } from './view';

/** The title in one line, as the alert says it. */
export function titleText(view: CardView): string {
  return plain(view.consequence === '' ? view.title : `${view.title}${joint(view)}${view.consequence}`);
}

export function head(view: CardView, titleId: string): HTMLElement {
  const look = lookOf(view.level);
  const title = element('h3', { class: 'mg-title', id: titleId, tabindex: '-1' }, strange(view.title));
  if (view.consequence !== '') {
    title.append(joint(view), element('em', {}, strange(view.consequence)));
  }
  return element(
    'div',
    { class: 'mg-head' },
    icon(look.icon),
    title,
    view.chip === '' ? null : element('span', { class: 'mg-chip', 'data-level': look.style }, icon(look.icon), strange(view.chip)),
    subtitle(view)
  );
}

/** Object, call and place, with dots between those that are there. */
export function subtitle(view: CardView): HTMLElement {
  const parts: Child[] = [];
  if (view.object !== '') {
    parts.push(strangeName(view.object, 'mg-obj'));
  }
  if (view.call !== '') {
    parts.push(strangeName(view.call));
  }
  if (view.place !== '') {
    parts.push(strange(view.place));
  }
  const drawn = element('div', { class: 'mg-sub' });
  parts.forEach((part, index) => {
    if (part !== null) {
      drawn.append(...(index === 0 ? [part] : [' · ', part]));
    }
  });
  return drawn;
}

function joint(view: CardView): string {
  if (view.level === 'forbidden') {
    return ': ';
  }
  return view.title.endsWith(' from') ? ' ' : ' · ';
}

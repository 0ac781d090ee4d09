/** The top of the card: what happened, to what, by which call, where. */

import { element, type Child } from './element';
import { icon } from './icons';
import { lookOf, shapeOf } from './level';
import { plain, strange, strangeName } from './text';
import type { CardView } from './view';

/** Calls are sentences: they may be this long before they are cut. */
const LONG_CALL = 200;

/** The title in one line, as the alert says it. */
export function titleText(view: CardView): string {
  const [said, accented] = titleParts(view);
  return plain(said + accented);
}

export function head(view: CardView, titleId: string): HTMLElement {
  const look = lookOf(view.level);
  const [said, accented] = titleParts(view);
  const title = element('h3', { class: 'mg-title', id: titleId, tabindex: '-1' }, strange(said));
  if (accented !== '') {
    title.append(element('em', {}, strange(accented)));
  }
  return element(
    'div',
    { class: 'mg-head' },
    icon(shapeOf(view)),
    title,
    view.chip === ''
      ? null
      : element('span', { class: 'mg-chip', 'data-level': look.style }, icon(look.icon), strange(view.chip)),
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
    parts.push(strangeName(view.call, '', LONG_CALL));
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

/** What happened, and the part of it that the level's colour points at. */
function titleParts(view: CardView): [said: string, accented: string] {
  if (view.consequence !== '') {
    return [`${view.title} · `, view.consequence];
  }
  const cut = /^(?:Stopped before importing code from|Blocked by policy:) /.exec(view.title)?.[0].length ?? view.title.length;
  return [view.title.slice(0, cut), view.title.slice(cut)];
}

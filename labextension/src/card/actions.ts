/** The grey zone: safer ways, keep blocked, and the two panels below them. */

import { copyButton } from './clipboard';
import { details } from './details';
import { button, disclosure, element } from './element';
import { icon } from './icons';
import { report } from './report';
import { fillRunPanel, type Approval } from './runPanel';
import { saferWays } from './saferWays';
import type { CardView } from './view';
import { words } from './words';

export interface Decide {
  allow: (approval: Approval) => void;
  deny: (instead?: string) => void;
}

export function actions(view: CardView, decide: Decide): HTMLElement {
  const safer = saferWays(view.safer, decide.deny);
  const first = element('div', { class: 'mg-row' }, ...safer.buttons);
  if (view.level === 'forbidden') {
    first.append(
      // Where a policy says no, the way on is to ask whoever wrote it.
      copyButton('mg-btn', words.__('Copy a request with this finding'), () => report(view, '')),
      element('span', { class: 'mg-2nd' }, words.__('No answer here can allow it: ask whoever keeps that file.'))
    );
  } else {
    const keep = button('mg-btn', decide.deny, words.__('Keep blocked'));
    keep.dataset.decides = '';
    first.append(keep);
    if (view.sought && safer.buttons.length === 0) {
      first.append(element('span', { class: 'mg-2nd' }, words.__('No safer version found.')));
    }
  }
  const part = view.level === 'uninspected';
  const show = button(
    'mg-more',
    () => undefined,
    icon('chevron'),
    part ? words.__('Show the checked part') : words.__('Show what it does')
  );
  const shown = element('div', { class: 'mg-panel' });
  disclosure(show, shown, () => details(view));
  const second = element('div', { class: 'mg-row mg-row--more' }, show);
  const panels = [shown];
  if (view.scopes.length > 0) {
    const asks = part ? words.__('Load it anyway…') : words.__('Run it anyway…');
    const run = button('mg-more mg-more--run', () => undefined, icon('chevron'), asks);
    const asked = element('div', { class: 'mg-panel', 'data-run-panel': '' });
    fillRunPanel(asked, view, decide.allow);
    disclosure(run, asked);
    second.append(run);
    panels.push(asked);
  }
  return element('div', { class: 'mg-do' }, first, ...safer.panels, second, ...panels);
}

/** What is left afterwards: one line, that opens to say more and can do nothing. */

import { copyButton } from './clipboard';
import { button, disclosure, element, type Child } from './element';
import { factList } from './facts';
import { icon, type IconName } from './icons';
import { lookOf } from './level';
import { report } from './report';
import { strange } from './text';
import type { CardView } from './view';
import { around, SLOT, words } from './words';
import { wouldBox } from './wouldBox';

export type Ending = 'receipt' | 'denied' | 'stale' | 'abandoned' | 'disconnected';

/** What stands before a line in plain text. */
export const SIGN = /^[▣▢▨]?\s*(modelguard\s*·\s*)?/u;

const ICONS: Record<Ending, IconName> = {
  receipt: 'ran',
  denied: 'kept',
  stale: 'gone',
  abandoned: 'gone',
  disconnected: 'gone'
};

export function receipt(view: CardView | null, ending: Ending, line: string): HTMLElement {
  const decided = ending === 'receipt' || (ending === 'denied' && view?.level === 'forbidden');
  const style = view !== null && decided ? lookOf(view.level).style : 'none';
  const drawn = element('div', { class: 'mg mg-receipt', 'data-level': style, 'data-lm-suppress-shortcuts': 'true' });
  const said = element('span', {}, element('b', {}, 'modelguard'), ' · ', ...sentence(view, ending, line));
  const mark = icon(style === 'forbid' ? 'forbid' : ICONS[ending]);
  if (view === null) {
    drawn.append(element('div', { class: 'mg-line' }, mark, said));
    return drawn;
  }
  const opener = button('', () => undefined, mark, said, icon('chevron'));
  opener.removeAttribute('class');
  const panel = element('div', { class: 'mg-panel' });
  disclosure(opener, panel, () => {
    const copy = copyButton('mg-btn mg-btn--s', words.__('Copy report'), () => report(view, line));
    return [wouldBox(view, 'p'), factList(view.facts), element('div', { class: 'mg-row' }, copy)];
  });
  drawn.append(opener, panel);
  return drawn;
}

/** Lines of loads of this cell that were decided before the one that waits: they say it, and nothing more. */
export function earlierLines(lines: readonly unknown[]): HTMLElement[] {
  return lines
    .filter(line => typeof line === 'string')
    .map(line => {
      const allowed = line.startsWith('▣');
      const own = line.replace(SIGN, '');
      return element(
        'div',
        { class: 'mg mg-receipt', 'data-level': 'none' },
        element(
          'div',
          { class: 'mg-line' },
          icon(allowed ? 'ran' : 'kept'),
          element('span', {}, element('b', {}, 'modelguard'), ' · ', strange(own))
        )
      );
    });
}

/** The kernel's line without the sign and the name that plain text needs, or our own words where it had no time to write one. */
function sentence(view: CardView | null, ending: Ending, line: string): Child[] {
  const own = line.replace(SIGN, '');
  if (ending !== 'disconnected' && own !== '') {
    const object = view?.object ?? '';
    if (object !== '' && own.startsWith(`${object} `)) {
      return [element('b', {}, strange(object)), strange(own.slice(object.length))];
    }
    return [strange(own)];
  }
  const object = view === null || view.object === '' ? words.__('a load') : view.object;
  const id = view === null ? '' : ` · #${view.id}`;
  return [...around(endingWords(ending), element('b', {}, strange(object))), id];
}

function endingWords(ending: Ending): string {
  switch (ending) {
    case 'receipt':
      return words.__('%1 allowed', SLOT);
    case 'denied':
      return words.__('%1 kept blocked', SLOT);
    case 'stale':
      return words.__('%1 changed while the card was open · checking it again', SLOT);
    case 'abandoned':
      return words.__('%1 not decided: the kernel restarted · nothing was loaded', SLOT);
    case 'disconnected':
      return words.__('%1 not decided: its kernel is not connected here', SLOT);
  }
}

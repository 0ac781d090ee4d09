/** The list under the box: as whom it would run, where it comes from, what was checked. */

import { element } from './element';
import { strange } from './text';
import type { Fact } from './view';

export function factList(facts: readonly Fact[]): HTMLElement | null {
  if (facts.length === 0) {
    return null;
  }
  return element(
    'dl',
    { class: 'mg-facts' },
    ...facts.map(fact => element('div', {}, element('dt', {}, strange(fact.label)), element('dd', {}, strange(fact.text))))
  );
}

/** What stands in the list's place where there is no list: drawn anew only when it says something else, so that its buttons keep the focus. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { element } from '../card/element';
import type { GuardState } from '../guardState';
import { restrictions } from './filter';
import type { History } from './history';
import { missing, noMatch, nothingHere, nothingYet } from './messages';

export interface InsteadActions {
  /** Null where there is no notebook to put the demo's cell into. */
  demo: (() => void) | null;
  /** Look whether the server has the routes now. */
  again: () => void;
  clear: () => void;
  everywhere: () => void;
}

export class Instead {
  readonly node = element('div', {});
  private readonly words: TranslationBundle;
  private readonly actions: InsteadActions;
  private drawn = '';

  constructor(words: TranslationBundle, actions: InsteadActions) {
    this.words = words;
    this.actions = actions;
  }

  show(history: History, guard: GuardState): void {
    const kind = kindOfNothing(history);
    const drawn = `${kind} ${guard} ${JSON.stringify([history.filter, history.narrowed, history.overview?.all])}`;
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      const shown = this.draw(kind, history, guard === 'unguarded');
      this.node.replaceChildren(...(shown === null ? [] : [shown]));
    }
  }

  private draw(kind: Kind, { filter, narrowed, overview }: History, unguarded: boolean): HTMLElement | null {
    const { words, actions } = this;
    const clear = { label: words.__('Clear filters'), press: actions.clear };
    const everywhere = { label: words.__('Search all notebooks'), press: actions.everywhere };
    const demo = actions.demo === null ? null : { label: words.__('Try it with a harmless file'), press: actions.demo };
    const typed = filter.text.trim() !== '';
    switch (kind) {
      case 'list':
        return null;
      case 'missing':
        return missing(words, { label: words.__('Try again now'), press: actions.again });
      case 'loading':
        return element('p', { class: 'mg-state mg-2nd' }, words.__('Loading…'));
      case 'empty':
        return unguarded ? nothingHere(words, false, null) : nothingYet(words, demo);
      case 'nothing here':
        return nothingHere(words, !unguarded, { ...everywhere, label: words.__('Show all notebooks') });
      case 'no match':
        return noMatch(words, restrictions(filter), typed, overview?.all ?? 0, narrowed ? [clear, everywhere] : [clear]);
    }
  }
}

type Kind = 'missing' | 'loading' | 'empty' | 'nothing here' | 'no match' | 'list';

function kindOfNothing({ overview, problem, filter, narrowed }: History): Kind {
  if (problem?.kind === 'missing') {
    return 'missing';
  }
  if (overview === null) {
    return problem === null ? 'loading' : 'list';
  }
  if (overview.notebooks.length > 0) {
    return 'list';
  }
  if (overview.all === 0) {
    return 'empty';
  }
  return restrictions(filter) === 0 && filter.text.trim() === '' && narrowed ? 'nothing here' : 'no match';
}

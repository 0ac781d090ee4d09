/** The groups of the list: one for each notebook, by its name here, and which of them a person opened or folded. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { History } from './history';
import type { ListGroup } from './listGroup';

/** Groups that are open before a person has said anything; the notebook in front is too. */
const OPEN_AT_FIRST = 3;

export class Groups {
  private readonly words: TranslationBundle;
  private readonly nameOf: (notebook: string) => string;
  private readonly chosen = new Map<string, boolean>();

  constructor(words: TranslationBundle, nameOf: (notebook: string) => string) {
    this.words = words;
    this.nameOf = nameOf;
  }

  of(history: History): ListGroup[] {
    const front = history.frontName();
    return (history.overview?.notebooks ?? []).map(({ notebook, count }, index) => {
      const key = notebook ?? '\0';
      const label = notebook === null ? this.words.__('Outside a notebook') : this.nameOf(notebook);
      const open = this.chosen.get(key) ?? (index < OPEN_AT_FIRST || notebook === front);
      return { key, label, count, open };
    });
  }

  toggle(group: ListGroup): void {
    this.chosen.set(group.key, !group.open);
  }
}

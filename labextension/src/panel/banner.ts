/** What is wrong between the panel and the server, above everything else; the focus stays on the button that was pressed. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { element } from '../card/element';
import type { History } from './history';
import { refused, triedWords, unreachable } from './messages';

export class Banner {
  readonly node = element('div', { role: 'status' });
  private readonly words: TranslationBundle;
  private readonly again: () => void;
  private drawn = '';

  constructor(words: TranslationBundle, again: () => void) {
    this.words = words;
    this.again = again;
  }

  show({ problem, status, tried }: History): void {
    const drawn = JSON.stringify([problem, status?.problem]);
    if (drawn === this.drawn) {
      this.node.querySelector('[data-tried]')?.replaceChildren(triedWords(this.words, tried));
      return;
    }
    this.drawn = drawn;
    if (problem?.kind === 'unreachable') {
      this.replace(unreachable(this.words, problem, tried, { label: this.words.__('Try again now'), press: this.again }));
    } else if (problem?.kind === 'refused') {
      this.replace(refused(this.words.__('The server refused'), problem));
    } else if (typeof status?.problem === 'string') {
      this.replace(refused(this.words.__('The history cannot be used now'), { message: status.problem, next: '' }));
    } else {
      this.node.replaceChildren();
    }
  }

  private replace(shown: HTMLElement): void {
    const at = [...this.node.querySelectorAll('button')].findIndex(one => one === document.activeElement);
    this.node.replaceChildren(shown);
    this.node.querySelectorAll('button')[at]?.focus();
  }
}

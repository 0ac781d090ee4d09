/** A place for what came of what a person pressed: it is said once, and stays until it is pressed away or something else is said. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { button, element } from '../card/element';
import { note, refused } from './messages';

export class Notes {
  readonly node = element('div', { role: 'status' });
  private readonly words: TranslationBundle;
  private readonly closed: () => void;

  /** `closed` takes the focus, which was on a button that is gone. */
  constructor(words: TranslationBundle, closed: () => void) {
    this.words = words;
    this.closed = closed;
  }

  say(text: string): void {
    this.node.replaceChildren(note(this.words, text, this.close));
  }

  /** Say why something could not be done. */
  sayProblem(title: string, problem: { message: string; next: string }): void {
    const shown = refused(title, problem);
    shown.append(element('div', { class: 'mg-row' }, button('mg-btn mg-btn--s', this.close, this.words.__('Close'))));
    this.node.replaceChildren(shown);
  }

  private readonly close = (): void => {
    this.node.replaceChildren();
    this.closed();
  };
}

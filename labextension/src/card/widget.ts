/**
 * Entry of the card as an anywidget: one script and one style sheet, in any front end that shows widgets.
 *
 * `initialize` tells the kernel that somebody can answer, before anything is drawn; `render` draws one view.
 */

import { Board } from './board';
import type { CardModel } from './model';
import { followHostTheme } from './theme';

interface Context {
  model: CardModel;
}

function initialize({ model }: Context): void {
  const token = model.get('token');
  if (token !== '') {
    model.send({ ready: token });
  }
}

function render({ model, el }: Context & { el: HTMLElement }): () => void {
  const board = new Board(model, el);
  requestAnimationFrame(() => {
    followHostTheme(el);
  });
  return () => {
    board.dispose();
  };
}

export default { initialize, render };

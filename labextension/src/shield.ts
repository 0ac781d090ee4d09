/** The shield in the status bar: an icon, a word, in the tooltip what to do, and a way to the panel. */

import { nullTranslator, type ITranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { button } from './card/element';
import { plain } from './card/text';
import type { GuardState } from './guardState';

const SVG = 'http://www.w3.org/2000/svg';
const OUTLINE = 'M8 1.2 13.6 3v4.6c0 3.4-2.3 5.8-5.6 7.2-3.3-1.4-5.6-3.8-5.6-7.2V3z';
const DASHED = { 'stroke-dasharray': '2.6 1.8' };

const DRAWINGS: Record<GuardState, [path: string, attributes: Record<string, string>][]> = {
  guarded: [
    [OUTLINE, { 'stroke-linejoin': 'round' }],
    ['m5.2 7.9 2 2 3.7-4', {}]
  ],
  unguarded: [
    [OUTLINE, DASHED],
    ['M2 14.5 14 1.5', {}]
  ],
  waiting: [
    [OUTLINE, { 'stroke-linejoin': 'round' }],
    ['M8 4.4v4M8 10.4v1.4', {}]
  ],
  unknown: [
    [OUTLINE, DASHED],
    ['M6.3 6.2a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.9.6-.9 1.2M8 10.6v1.1', {}]
  ]
};

export class Shield extends Widget {
  private readonly words: TranslationBundle;

  constructor(translator: ITranslator = nullTranslator, press: () => void = () => undefined) {
    super({ node: button('', press) });
    this.words = translator.load('jupyter_modelguard');
    this.addClass('mg-status');
    this.display(null, 'unknown');
  }

  /** Show a notebook's state; null hides the shield, where there is no Python kernel to guard. */
  display(notebook: string | null, state: GuardState, waiting = 0): void {
    this.node.hidden = notebook === null;
    if (notebook === null) {
      return;
    }
    const [word, tooltip] = this.texts(plain(notebook), state, waiting);
    this.node.dataset.state = state;
    this.node.title = tooltip;
    const spoken = document.createElement('span');
    spoken.className = 'mg-sr';
    spoken.textContent = `. ${tooltip}`;
    this.node.replaceChildren(drawing(state), word, spoken);
  }

  private texts(notebook: string, state: GuardState, waiting: number): [word: string, tooltip: string] {
    switch (state) {
      case 'guarded':
        return [this.words.__('Guarded'), this.words.__('modelguard: %1 is guarded. Open the panel', notebook)];
      case 'waiting':
        return [
          this.words._n('%1 load waiting', '%1 loads waiting', waiting),
          this.words._n(
            'modelguard: %1 load in %2 waits for a decision. Go to it',
            'modelguard: %1 loads in %2 wait for a decision. Go to them',
            waiting,
            notebook
          )
        ];
      case 'unguarded':
        return [
          this.words.__('Not guarded'),
          this.words.__('modelguard: %1 is not guarded. Run %load_ext modelguard in it', notebook)
        ];
      case 'unknown':
        return [
          this.words.__('Guard unknown'),
          this.words.__('modelguard: not known whether %1 is guarded. Its kernel is busy, starting or not connected', notebook)
        ];
    }
  }
}

export function drawing(state: GuardState): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  for (const [path, attributes] of DRAWINGS[state]) {
    const shape = document.createElementNS(SVG, 'path');
    const all = { d: path, fill: 'none', stroke: 'currentColor', 'stroke-width': '1.5', ...attributes };
    for (const [name, value] of Object.entries(all)) {
      shape.setAttribute(name, value);
    }
    svg.append(shape);
  }
  return svg;
}

/** The formats to choose from, under the header, when a person wants the history as a file. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { button, element } from '../card/element';
import { FORMATS, type Format } from './api';

export const FORMAT_NAMES: Record<Format, string> = { json: 'JSON', csv: 'CSV', sarif: 'SARIF', cyclonedx: 'CycloneDX' };

export class ExportBar {
  readonly node: HTMLElement;

  constructor(words: TranslationBundle, choose: (format: Format) => void) {
    const buttons = FORMATS.map(format =>
      button(
        'mg-btn mg-btn--s',
        () => {
          choose(format);
        },
        FORMAT_NAMES[format]
      )
    );
    this.node = element(
      'div',
      { class: 'mg-export', role: 'group', 'aria-label': words.__('Export') },
      element('p', { class: 'mg-2nd' }, words.__('Export what the filter shows. The file has names and paths of this machine.')),
      element('div', { class: 'mg-row' }, ...buttons)
    );
    this.node.hidden = true;
  }

  /** Open or close it; the focus goes to the first format. */
  toggle(): void {
    this.node.hidden = !this.node.hidden;
    if (!this.node.hidden) {
      this.node.querySelector('button')?.focus();
    }
  }
}

/** The formats to choose from, under the header, when a person wants the history as a file. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { button, element } from '../card/element';
import { FORMATS, type Format } from './api';

export const FORMAT_NAMES: Record<Format, string> = { json: 'JSON', csv: 'CSV', sarif: 'SARIF', cyclonedx: 'CycloneDX' };

/** What each is good for, said when it is pointed at. */
function purpose(format: Format, words: TranslationBundle): string {
  switch (format) {
    case 'json':
      return words.__('All that is known, for programs');
    case 'csv':
      return words.__('A table, for a spreadsheet');
    case 'sarif':
      return words.__('Findings, for tools that collect them');
    case 'cyclonedx':
      return words.__('A list of models, for an inventory');
  }
}

export class ExportBar {
  readonly node: HTMLElement;

  constructor(words: TranslationBundle, choose: (format: Format) => void) {
    const buttons = FORMATS.map(format => {
      const press = (): void => {
        choose(format);
      };
      const made = button('mg-btn mg-btn--s', press, FORMAT_NAMES[format]);
      made.title = purpose(format, words);
      return made;
    });
    this.node = element(
      'div',
      { class: 'mg-export', role: 'group', 'aria-label': words.__('Export') },
      element(
        'p',
        { class: 'mg-2nd' },
        words.__('Export what the filter shows. The file holds names and paths of this machine.')
      ),
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

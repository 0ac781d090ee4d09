/** Text, levels and notebooks to choose from. Typing is waited for; the controls stay the same elements, and keep the focus. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { button, element } from '../card/element';
import { icon } from '../card/icons';
import { CHIPS, isOn, toggled, type Filter, type LevelChip } from './filter';
import { chipWord } from './words';
import type { Notebooks } from './wire';

/** Milliseconds without a key before the text is taken. */
const TYPED = 100;

export interface FilterState {
  filter: Filter;
  levels: Notebooks['levels'];
  /** Whether there is a notebook in front to restrict the list to. */
  canNarrow: boolean;
  narrowed: boolean;
}

export interface FilterActions {
  change: (filter: Pick<Filter, 'text' | 'levels'>) => void;
  narrow: (toThisNotebook: boolean) => void;
}

export class FilterBar {
  readonly node: HTMLElement;
  private readonly words: TranslationBundle;
  private readonly actions: FilterActions;
  private readonly input: HTMLInputElement;
  private readonly chips: { chip: LevelChip; made: HTMLButtonElement; count: HTMLElement }[];
  private readonly one: HTMLButtonElement;
  private readonly all: HTMLButtonElement;
  private state: FilterState | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(words: TranslationBundle, actions: FilterActions) {
    this.words = words;
    this.actions = actions;
    this.input = element('input', { type: 'search', placeholder: words.__('File, repository, function'), spellcheck: 'false' });
    this.input.addEventListener('input', this.typed);
    this.chips = CHIPS.map(chip => this.chip(chip));
    this.one = this.choice(true, words.__('This notebook'));
    this.all = this.choice(false, words.__('All notebooks'));
    this.node = element(
      'div',
      { class: 'mg-filter' },
      element(
        'label',
        { class: 'mg-search' },
        icon('find'),
        element('span', { class: 'mg-sr' }, words.__('Filter checks')),
        this.input
      ),
      element('div', { class: 'mg-chips', role: 'group', 'aria-label': words.__('Levels') }, ...this.chips.map(one => one.made)),
      element('div', { class: 'mg-seg', role: 'group', 'aria-label': words.__('Notebooks') }, this.one, this.all)
    );
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  show(state: FilterState): void {
    this.state = state;
    if (document.activeElement !== this.input) {
      this.input.value = state.filter.text;
    }
    for (const { chip, made, count: shown } of this.chips) {
      const count = chip.levels.reduce((sum, level) => sum + (state.levels[level] ?? 0), 0);
      shown.textContent = String(count);
      made.hidden &&= count === 0 && !isOn(state.filter, chip);
      made.setAttribute('aria-pressed', String(isOn(state.filter, chip)));
    }
    this.one.setAttribute('aria-pressed', String(state.narrowed));
    this.all.setAttribute('aria-pressed', String(!state.narrowed));
    if (state.canNarrow) {
      this.one.removeAttribute('aria-disabled');
    } else {
      this.one.setAttribute('aria-disabled', 'true');
    }
  }

  /** Empty the field, also while it has the focus. */
  clear(): void {
    clearTimeout(this.timer);
    this.input.value = '';
  }

  focus(): void {
    this.input.focus();
  }

  private readonly typed = (): void => {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.actions.change({ text: this.input.value, levels: this.state?.filter.levels ?? [] });
    }, TYPED);
  };

  private chip(chip: LevelChip): { chip: LevelChip; made: HTMLButtonElement; count: HTMLElement } {
    const count = element('span', {});
    const word = chipWord(chip, this.words);
    const press = (): void => {
      if (this.state !== null) {
        clearTimeout(this.timer);
        this.actions.change({ text: this.input.value, levels: toggled(this.state.filter, chip).levels });
      }
    };
    const made = button('mg-fchip', press, icon(chip.icon), element('span', { class: 'word' }, `${word} `), count);
    made.title = word;
    // A level that was never there needs no chip; one that was stays, so that nothing moves while a person types.
    made.hidden = true;
    made.dataset.level = chip.key;
    return { chip, made, count };
  }

  private choice(narrow: boolean, words: string): HTMLButtonElement {
    return button(
      '',
      () => {
        this.actions.narrow(narrow);
      },
      words
    );
  }
}

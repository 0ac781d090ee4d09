/** The top of the panel: whether the notebook in front is guarded, what was checked in it, and what to do about either. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { button, disclosure, element, type Child } from '../card/element';
import { icon } from '../card/icons';
import { strange } from '../card/text';
import type { GuardState } from '../guardState';
import { drawing } from '../shield';

export interface HeaderState {
  /** Name of the notebook in front; null where there is none with a Python kernel. */
  notebook: string | null;
  guard: GuardState;
  /** Loads of this notebook that were checked, and how many of them were stopped; null where the history does not say. */
  figures: { total: number; stopped: number } | null;
  /** The kernel keeps its history where this server does not look. */
  elsewhere: boolean;
  reachable: boolean;
}

export interface HeaderActions {
  guard: () => void;
  refresh: () => void;
  export: () => void;
}

export class Header {
  readonly node = element('div', { class: 'mg-top' });
  private readonly words: TranslationBundle;
  private readonly actions: HeaderActions;
  private readonly shield = element('span', { class: 'mg-mark' });
  private readonly title = element('h3', { tabindex: '-1' });
  private readonly text = element('div', { class: 'mg-said' });
  private readonly head: HTMLElement;
  private drawn = '';

  constructor(words: TranslationBundle, actions: HeaderActions) {
    this.words = words;
    this.actions = actions;
    const tools = element(
      'span',
      { class: 'mg-tools' },
      tool('save', words.__('Export'), actions.export),
      tool('redo', words.__('Refresh'), actions.refresh)
    );
    this.head = element('div', { class: 'hd' }, this.shield, this.title, tools, this.text);
    this.node.append(this.head);
  }

  show(state: HeaderState): void {
    const drawn = JSON.stringify(state);
    if (drawn === this.drawn) {
      return;
    }
    this.drawn = drawn;
    const guard = state.reachable && state.notebook !== null ? state.guard : 'unknown';
    this.head.dataset.level = { guarded: 'ok', waiting: 'runs', unguarded: 'none', unknown: 'unseen' }[guard];
    this.shield.replaceChildren(drawing(guard));
    this.title.replaceChildren(strange(this.titleOf(state)));
    this.text.replaceChildren(...this.below(state));
  }

  focus(): void {
    this.title.focus();
  }

  private titleOf({ notebook, guard, reachable }: HeaderState): string {
    if (notebook === null) {
      return this.words.__('No Python notebook selected');
    }
    switch (reachable ? guard : 'unknown') {
      case 'guarded':
        return this.words.__('%1 is guarded', notebook);
      case 'waiting':
        return this.words.__('%1 is guarded and waits for you', notebook);
      case 'unguarded':
        return this.words.__('%1 is not guarded', notebook);
      case 'unknown':
        return this.words.__('Not known whether %1 is guarded', notebook);
    }
  }

  private below(state: HeaderState): HTMLElement[] {
    if (!state.reachable) {
      return [paragraph(this.words.__('The Jupyter server does not answer.'))];
    }
    if (state.notebook === null) {
      return [paragraph(this.words.__('Open one to see whether it is guarded.'))];
    }
    switch (state.guard) {
      case 'unguarded':
        return [
          paragraph(this.words.__('Models load here without a check. Loads before this moment were not seen.')),
          ...this.offers()
        ];
      case 'unknown':
        return [paragraph(this.words.__('Its kernel has not said yet: it is busy, starting or not connected.'))];
      default:
        return [paragraph([this.words.__('Asks before code runs'), ...this.figures(state)].join(' · ')), ...this.remark(state)];
    }
  }

  /** What is known of its loads, if anything is. */
  private figures({ figures, elsewhere }: HeaderState): string[] {
    if (figures === null || elsewhere) {
      return [];
    }
    if (figures.total === 0) {
      return [this.words.__('no loads yet')];
    }
    const checked = this.words._n('%1 load checked', '%1 loads checked', figures.total);
    return [this.words.__('%1, %2 stopped', checked, figures.stopped)];
  }

  private remark({ elsewhere }: HeaderState): HTMLElement[] {
    return elsewhere
      ? [
          paragraph(
            this.words.__(
              'Its loads are not listed here: this kernel keeps its history in another place. Cards still ask in the notebook.'
            )
          )
        ]
      : [];
  }

  private offers(): HTMLElement[] {
    const why = button('mg-btn mg-btn--s', () => undefined, this.words.__('Why?'));
    const reason = element('div', { class: 'mg-why' });
    disclosure(why, reason, () => this.reasons());
    return [
      element(
        'div',
        { class: 'mg-row' },
        button('mg-btn mg-btn--s', this.actions.guard, this.words.__('Guard this notebook')),
        why
      ),
      reason
    ];
  }

  private reasons(): Child[] {
    return [
      paragraph(
        this.words.__('Many model files are small programs: loading one can run commands as you, before a line of it is read.')
      ),
      paragraph(
        this.words.__(
          'Guarded, the kernel looks into each file first. What only holds data loads without a question; what can run code stops and asks you.'
        )
      ),
      paragraph(this.words.__('The button runs %load_ext modelguard in this kernel. It holds until the kernel restarts.'))
    ];
  }
}

function tool(drawn: 'save' | 'redo', label: string, press: () => void): HTMLButtonElement {
  const made = button('mg-ico', press, icon(drawn));
  made.setAttribute('aria-label', label);
  made.title = label;
  return made;
}

function paragraph(text: string): HTMLParagraphElement {
  return element('p', {}, strange(text));
}

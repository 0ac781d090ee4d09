/** All that is known of one record: what it would have run, the facts, who decided what and when, and what can be done with it. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { copyButton } from '../card/clipboard';
import { listing } from '../card/code';
import { button, element, type Child } from '../card/element';
import { factList } from '../card/facts';
import { icon } from '../card/icons';
import { plain, strange, strangeName } from '../card/text';
import type { Problem } from './api';
import { refused } from './messages';
import type { Detail, Finding, Row, TrailStep } from './wire';
import { clock, fullTime, levelStyle, levelWord, outcomeWords, timeWords } from './words';

export interface DetailActions {
  back: () => void;
  openCell: (row: Row) => void;
  export: (detail: Detail) => void;
  forget: (detail: Detail) => void;
  delete: (detail: Detail) => void;
}

export class DetailView {
  readonly node = element('div', {});
  private readonly words: TranslationBundle;
  private readonly actions: DetailActions;
  private readonly back: HTMLButtonElement;
  private readonly body = element('div', { class: 'mg-det' });
  private readonly bar = element('div', { class: 'mg-bar' });
  private drawn = '';

  constructor(words: TranslationBundle, actions: DetailActions) {
    this.words = words;
    this.actions = actions;
    this.back = button('mg-back', actions.back, icon('chevron'), words.__('All checks'));
    this.node.append(element('div', { class: 'mg-backbar' }, this.back), this.body, this.bar);
  }

  focus(): void {
    this.back.focus();
  }

  /** Say what is known from the list already. */
  begin(row: Row): void {
    this.drawn = '';
    this.body.replaceChildren(this.head(row), element('p', { class: 'mg-2nd' }, this.words.__('Loading…')));
    this.bar.replaceChildren();
  }

  fail(problem: Problem): void {
    this.body.querySelector('p.mg-2nd:last-child')?.remove();
    this.body.append(refused(this.words.__('This record cannot be shown'), problem));
  }

  show(detail: Detail, mayDecide: boolean): void {
    const drawn = JSON.stringify([detail, mayDecide]);
    if (drawn === this.drawn) {
      return;
    }
    this.drawn = drawn;
    const focused = this.bar.contains(document.activeElement);
    const parts = [
      this.head(detail.row),
      this.code(detail),
      this.findings(detail.findings),
      factList(detail.facts),
      this.trail(detail.trail)
    ];
    this.body.replaceChildren(...parts.filter(part => part !== null));
    this.bar.replaceChildren(...this.buttons(detail, mayDecide));
    if (focused) {
      this.bar.querySelector('button')?.focus();
    }
  }

  private head(row: Row): HTMLElement {
    const { style, icon: shape } = levelStyle(row.level);
    return element(
      'div',
      { 'data-level': style },
      element('h4', { class: 'mg-line1 mg-full-name' }, icon(shape), element('span', {}, strangeName(row.name))),
      element(
        'p',
        {},
        element('span', { class: 'mg-chip', 'data-level': style }, icon(shape), levelWord(row.level, this.words)),
        ' ',
        element('span', { class: 'mg-2nd' }, strange(outcomeWords(row, this.words)))
      )
    );
  }

  private code({ row, listings }: Detail): HTMLElement | null {
    if (listings.length === 0) {
      return null;
    }
    const ran = row.outcome === 'allowed' || row.outcome === 'unguarded';
    const title = ran ? this.words.__('What it ran') : this.words.__('What it would have run');
    const { style } = levelStyle(row.level);
    return element('div', { 'data-level': style }, element('h4', {}, title), ...listings.map(listing));
  }

  private findings(findings: readonly Finding[]): HTMLElement | null {
    if (findings.length === 0) {
      return null;
    }
    const drawn = findings.map(finding =>
      element(
        'li',
        {},
        strange(finding.title),
        element('small', {}, strange([finding.location, finding.rule].filter(part => part !== '').join(' · ')))
      )
    );
    const title = this.words._n('%1 finding', '%1 findings', findings.length);
    return element('div', {}, element('h4', {}, title), element('ul', { class: 'mg-found' }, ...drawn));
  }

  private trail(steps: readonly TrailStep[]): HTMLElement | null {
    if (steps.length === 0) {
      return null;
    }
    const drawn = steps.map(step => element('li', {}, strange(step.what), this.small(step)));
    return element('div', {}, element('h4', {}, this.words.__('Decision')), element('ol', { class: 'mg-trail' }, ...drawn));
  }

  private small(step: TrailStep): HTMLElement {
    const when = new Date(step.at * 1000).toDateString() === new Date().toDateString() ? '' : `${timeWords(step.at)} `;
    const by = step.by === '' ? '' : ` ${this.words.__('by %1', step.by)}`;
    const how = step.how === '' ? '' : `, ${step.how}`;
    return element('small', { title: fullTime(step.at) }, strange(`${when}${clock(step.at, true)}${by}${how}`));
  }

  private buttons(detail: Detail, mayDecide: boolean): HTMLElement[] {
    const { words, actions } = this;
    const made: Child[] = [
      detail.row.cell_id === null && detail.row.notebook === null
        ? null
        : this.action(words.__('Open cell'), () => {
            actions.openCell(detail.row);
          }),
      copyButton('mg-btn mg-btn--s', words.__('Copy report'), () => reportOf(detail, words)),
      this.action(words.__('Export'), () => {
        actions.export(detail);
      }),
      detail.trusted === null || !mayDecide
        ? null
        : this.action(words.__('Forget this decision'), () => {
            actions.forget(detail);
          }),
      mayDecide && detail.row.outcome !== 'waiting'
        ? this.action(words.__('Delete this record'), () => {
            actions.delete(detail);
          })
        : null
    ];
    return made.filter(one => one instanceof HTMLElement);
  }

  private action(label: string, press: () => void): HTMLButtonElement {
    return button('mg-btn mg-btn--s', press, label);
  }
}

/** The record as plain text, to paste into a message. */
export function reportOf(detail: Detail, words: TranslationBundle): string {
  const { row } = detail;
  const lines = [
    `modelguard #${row.id}: ${plain(row.name)} · ${levelWord(row.level, words)} · ${plain(outcomeWords(row, words))}`,
    ...detail.findings.map(finding => `  ${plain(finding.title)} ${plain(finding.location)}`.trimEnd()),
    ...detail.listings.flatMap(one => one.rows.filter(line => line.flagged).map(line => `  ${line.number}: ${plain(line.text)}`)),
    ...detail.facts.map(fact => `${plain(fact.label)}: ${plain(fact.text)}`),
    ...detail.trail.map(step => `${fullTime(step.at)}: ${plain(step.what)} ${plain([step.by, step.how].join(' '))}`.trimEnd())
  ];
  return lines.join('\n');
}

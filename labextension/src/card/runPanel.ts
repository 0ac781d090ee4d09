/** "Run it anyway…": why, what is allowed, the typed finding, and the one button that lets a load go on. */

import { button, element, uniqueId } from './element';
import { lookOf } from './level';
import { plain, strange } from './text';
import type { CardView, ScopeChoice } from './view';
import { around, SLOT, words } from './words';

export interface Approval {
  reason: string;
  scope: string;
  finding: string;
}

/** Fill the panel; `approve` is called with complete answers only. */
export function fillRunPanel(panel: HTMLElement, view: CardView, approve: (approval: Approval) => void): void {
  panel.dataset.level = lookOf(view.level).style;
  const missing = element('span', { class: 'mg-2nd', id: uniqueId('missing') });
  const run = button('mg-btn mg-btn--run', () => {
    const answers = complete();
    if (answers !== null) {
      approve(answers);
    }
  });
  run.setAttribute('aria-describedby', missing.id);

  const reasons = choices(
    words.__('Why run it?'),
    view.reasons.map(reason => ({ value: reason, label: reason, hint: '', enabled: true }))
  );
  const scopes = choices(words.__('What do you allow?'), view.scopes);
  const once = scopes.inputs.find(input => input.value === 'once' && !input.disabled);
  if (once !== undefined) {
    once.checked = true;
  }
  const typed = view.confirm.length > 0 ? typedFinding(view.confirm) : null;

  const complete = (): Approval | null => {
    const reason = reasons.chosen();
    const scope = scopes.chosen();
    const finding = typed === null ? '' : typed.finding();
    return reason === null || scope === null || finding === null ? null : { reason, scope, finding };
  };
  const refresh = (): void => {
    const scope = view.scopes.find(choice => choice.value === scopes.chosen());
    run.replaceChildren(scope === undefined ? words.__('Run it') : strange(scope.button));
    const wanted: string[] = [];
    if (reasons.chosen() === null) {
      wanted.push(words.__('Give a reason first.'));
    }
    if (scope === undefined) {
      wanted.push(words.__('Choose what you allow first.'));
    }
    if (typed?.finding() === null) {
      wanted.push(words.__('Type the finding first.'));
    }
    missing.textContent = wanted.join(' ');
    run.toggleAttribute('data-incomplete', wanted.length > 0);
    if (panel.dataset.locked !== 'true') {
      if (wanted.length > 0) {
        run.setAttribute('aria-disabled', 'true');
      } else {
        run.removeAttribute('aria-disabled');
      }
    }
  };
  panel.addEventListener('input', refresh);
  panel.append(
    element('div', { class: 'mg-two' }, reasons.set, scopes.set),
    ...(typed === null ? [] : [typed.part]),
    element('div', { class: 'mg-row' }, run, missing)
  );
  refresh();
}

type Option = Pick<ScopeChoice, 'value' | 'label' | 'hint' | 'enabled'>;

interface Choices {
  set: HTMLFieldSetElement;
  inputs: HTMLInputElement[];
  chosen: () => string | null;
}

function choices(question: string, options: readonly Option[]): Choices {
  const name = uniqueId('choice');
  const inputs: HTMLInputElement[] = [];
  const set = element('fieldset', { class: 'mg-opts' }, element('legend', {}, question));
  for (const option of options) {
    const input = element('input', { type: 'radio', name });
    input.value = option.value;
    input.disabled = !option.enabled;
    inputs.push(input);
    set.append(
      element(
        'label',
        { class: option.enabled ? 'mg-opt' : 'mg-opt mg-opt--off' },
        input,
        element(
          'span',
          {},
          element('span', {}, strange(option.label)),
          option.hint === '' ? null : element('small', {}, strange(option.hint))
        )
      )
    );
  }
  return { set, inputs, chosen: () => inputs.find(input => input.checked && !input.disabled)?.value ?? null };
}

interface TypedFinding {
  part: HTMLElement;
  /** The finding as the kernel wrote it, or null while none is given. */
  finding: () => string | null;
}

function typedFinding(findings: readonly string[]): TypedFinding {
  const id = uniqueId('finding');
  const input = element('input', {
    class: 'mg-input mg-mono',
    id,
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    autocapitalize: 'off'
  });
  const list = element('select', { class: 'mg-input mg-mono', 'aria-label': words.__('The finding') });
  list.hidden = true;
  list.append(element('option', { value: '' }, words.__('Choose the finding')));
  findings.forEach((finding, index) => {
    list.append(element('option', { value: String(index) }, plain(finding, { name: true })));
  });
  const swap = button(
    'mg-link',
    () => {
      const listed = list.hidden;
      list.hidden = !listed;
      input.hidden = listed;
      swap.textContent = listed ? words.__('Type it instead') : words.__('Pick it from a list instead');
      (listed ? list : input).focus();
      swap.dispatchEvent(new Event('input', { bubbles: true }));
    },
    words.__('Pick it from a list instead')
  );
  const names = element('span');
  findings.forEach((finding, index) => {
    names.append(index === 0 ? '' : ` ${words.__('or')} `, strange(finding, { name: true }));
  });
  const label = element('label', { for: id }, ...around(words.__('Type %1 to run it', SLOT), names));
  return {
    part: element('div', { class: 'mg-type' }, label, element('div', { class: 'mg-row' }, input, list, swap)),
    finding: () => {
      if (!list.hidden) {
        return list.value === '' ? null : (findings[Number(list.value)] ?? null);
      }
      const typed = input.value.trim().toLowerCase();
      // What cannot be typed may be typed as it is drawn.
      return findings.find(one => one.toLowerCase() === typed || plain(one, { name: true }).toLowerCase() === typed) ?? null;
    }
  };
}

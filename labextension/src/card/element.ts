/** Building blocks of the card's page: elements made of attributes and of text nodes, never of markup. */

export type Child = Node | string | null;

const TAKES_KEYS: ReadonlySet<string> = new Set(['button', 'input', 'select']);
/**
 * Keeps JupyterLab from reading keys as commands. It belongs on whatever has the focus, not only around it: shortcuts of the notebook
 * match any focused element, and "d d" on one of our buttons would delete the cell.
 */
const NO_SHORTCUTS = 'data-lm-suppress-shortcuts';

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  if (TAKES_KEYS.has(tag) || 'tabindex' in attributes) {
    made.setAttribute(NO_SHORTCUTS, 'true');
  }
  made.append(...children.filter(child => child !== null));
  return made;
}

/** A button that does nothing until it is told to; none ever is the default of a form. */
export function button(className: string, press: () => void, ...children: Child[]): HTMLButtonElement {
  const made = element('button', { type: 'button', class: className }, ...children);
  made.addEventListener('click', () => {
    if (made.getAttribute('aria-disabled') !== 'true') {
      press();
    }
  });
  return made;
}

let last = 0;

/** An id that no other card on the page has. */
export function uniqueId(purpose: string): string {
  last += 1;
  return `mg-${purpose}-${last}-${Math.random().toString(36).slice(2, 8)}`;
}

/** Name an element by what can be read in it: the title, and the parts that tell it from its neighbours, where they are there. */
export function nameAfter(named: HTMLElement, titleId: string, ...parts: string[]): void {
  const ids = [titleId];
  for (const part of parts) {
    const found = named.querySelector(part);
    if (found !== null) {
      found.id = uniqueId('name');
      ids.push(found.id);
    }
  }
  named.setAttribute('aria-labelledby', ids.join(' '));
}

/** A button that opens and closes what it controls; the content is made when it is first opened. */
export function disclosure(opener: HTMLButtonElement, panel: HTMLElement, fill?: () => Child[]): void {
  panel.id = uniqueId('panel');
  panel.hidden = true;
  opener.setAttribute('aria-expanded', 'false');
  opener.setAttribute('aria-controls', panel.id);
  let filled = fill === undefined;
  opener.addEventListener('click', () => {
    if (!filled && fill !== undefined) {
      panel.append(...fill().filter(child => child !== null));
      filled = true;
    }
    panel.hidden = !panel.hidden;
    opener.setAttribute('aria-expanded', String(!panel.hidden));
  });
}

/** Move the focus to an element that is no control, where the control that had it is gone. */
export function focusOn(place: HTMLElement | undefined): void {
  place?.setAttribute('tabindex', '-1');
  place?.setAttribute(NO_SHORTCUTS, 'true');
  place?.focus();
}

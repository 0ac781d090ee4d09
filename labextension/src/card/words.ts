/**
 * What the card says, in the language of whoever shows it.
 *
 * The card knows no front end and speaks English. A front end that has a translation hands it over once, before it draws anything: a page has
 * one language. What the kernel wrote is shown as it came.
 */

import type { Child } from './element';

/** The part of JupyterLab's translation bundle that the card needs. */
export interface Words {
  /** `%1` is the first value, `%2` the second. */
  __: (text: string, ...values: Value[]) => string;
  /** The text for so many; `%1` is their number, `%2` the first value. */
  _n: (one: string, many: string, count: number, ...values: Value[]) => string;
}

type Value = string | number;

/** Stands for an element that is put into a sentence; no text of ours has this character. */
export const SLOT = '\0';

const ENGLISH: Words = {
  __: (text, ...values) => filled(text, values),
  _n: (one, many, count, ...values) => filled(count === 1 ? one : many, [count, ...values])
};

let spoken = ENGLISH;

/** Let the card speak with these words from now on; without an argument, English again. */
export function speak(translation: Words = ENGLISH): void {
  spoken = translation;
}

export const words: Words = {
  __: (text, ...values) => spoken.__(text, ...values),
  _n: (one, many, count, ...values) => spoken._n(one, many, count, ...values)
};

/** A sentence and the element in it, wherever its translation puts the slot. */
export function around(sentence: string, part: Node): Child[] {
  const [before = '', after = ''] = sentence.split(SLOT);
  return [before, part, after];
}

function filled(text: string, values: readonly Value[]): string {
  return text.replace(/%(\d+)/g, (slot, number) => String(values[Number(number) - 1] ?? slot));
}

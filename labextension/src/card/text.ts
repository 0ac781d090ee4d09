/**
 * Text that others wrote, drawn so that it cannot lie about itself.
 *
 * Nothing here makes markup. Characters that have no ink, or that move what stands beside them, become boxes that name them. Long
 * runs of spaces are counted, long names are cut in the middle, and each piece is isolated from the direction of the text around it.
 */

import { button, disclosure, element } from './element';
import { words } from './words';

export interface TextOptions {
  /** A global: every character beyond ASCII is boxed (lookalikes), and lines may break after dots. */
  name?: boolean;
  /** A line of code: tabs and indentation are what they are. */
  code?: boolean;
}

/** Names longer than this many characters are cut in the middle. */
export const LONG = 64;
const HEAD = 40;
const TAIL = 20;

const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;
const STACKED = /^\p{M}$/u;
/** As Unicode's standard calls them. */
const NAMES: Readonly<Record<number, string>> = {
  0x09: 'TAB',
  0x0a: 'LINE FEED',
  0x0d: 'CARRIAGE RETURN',
  0x1b: 'ESCAPE',
  0xa0: 'NO-BREAK SPACE',
  0xad: 'SOFT HYPHEN',
  0x200b: 'ZERO WIDTH SPACE',
  0x200c: 'ZERO WIDTH NON-JOINER',
  0x200d: 'ZERO WIDTH JOINER',
  0x200e: 'LEFT-TO-RIGHT MARK',
  0x200f: 'RIGHT-TO-LEFT MARK',
  0x202a: 'LEFT-TO-RIGHT EMBEDDING',
  0x202b: 'RIGHT-TO-LEFT EMBEDDING',
  0x202c: 'POP DIRECTIONAL FORMATTING',
  0x202d: 'LEFT-TO-RIGHT OVERRIDE',
  0x202e: 'RIGHT-TO-LEFT OVERRIDE',
  0x2066: 'LEFT-TO-RIGHT ISOLATE',
  0x2067: 'RIGHT-TO-LEFT ISOLATE',
  0x2068: 'FIRST STRONG ISOLATE',
  0x2069: 'POP DIRECTIONAL ISOLATE',
  0xfeff: 'ZERO WIDTH NO-BREAK SPACE'
};

interface Piece {
  text: string;
  /** What a box says when pointed at; null for plain text. */
  title: string | null;
}

/** Draw a stranger's text in full. */
export function strange(value: string, options: TextOptions = {}): HTMLElement {
  const drawn = element(options.name === true || options.code === true ? 'code' : 'bdi', { class: 'mg-x' });
  drawn.append(...nodes(value, options));
  return drawn;
}

/** The same characters as one line of plain text, for reports and for the labels of controls. */
export function plain(value: string, options: TextOptions = {}): string {
  return pieces(value, options)
    .map(piece => piece.text)
    .join('');
}

/** Draw a name; a long one shows its head and its ending, and a button that shows the rest. */
export function strangeName(value: string, className = '', longest = LONG): DocumentFragment {
  const drawn = document.createDocumentFragment();
  const characters = Array.from(value);
  const code = element('code', { class: `mg-x ${className}`.trim() });
  drawn.append(code);
  if (characters.length <= longest) {
    code.append(...nodes(value, {}));
    return drawn;
  }
  const hidden = characters.length - HEAD - TAIL;
  code.append(
    ...nodes(characters.slice(0, HEAD).join(''), {}),
    // A box, because a name can hold the words but cannot draw the box.
    box(
      words._n('… %1 more …', '… %1 more …', hidden),
      words._n('%1 character is not shown', '%1 characters are not shown', hidden)
    ),
    ...nodes(characters.slice(-TAIL).join(''), {})
  );
  const full = element('div', { class: 'mg-full' }, strange(value, { code: true }));
  const opener = button(
    'mg-link',
    () => undefined,
    words._n('Show all %1 character', 'Show all %1 characters', characters.length)
  );
  disclosure(opener, full);
  drawn.append(' ', opener, full);
  return drawn;
}

function nodes(value: string, options: TextOptions): Node[] {
  const drawn: Node[] = [];
  for (const piece of pieces(value, options)) {
    if (piece.title !== null) {
      drawn.push(box(piece.text, piece.title));
    } else if (options.name === true) {
      for (const part of piece.text.split(/(?<=\.)/)) {
        drawn.push(document.createTextNode(part));
        if (part.endsWith('.')) {
          drawn.push(element('wbr'));
        }
      }
    } else {
      drawn.push(document.createTextNode(piece.text));
    }
  }
  return drawn;
}

function box(text: string, title: string): HTMLElement {
  return element('span', { class: 'mg-esc', title }, text);
}

function pieces(value: string, options: TextOptions): Piece[] {
  const made: Piece[] = [];
  let run = '';
  let stacked = 0;
  const flush = (): void => {
    if (run !== '') {
      made.push(...spaces(run, options.code === true && made.length === 0));
      run = '';
    }
  };
  for (const character of value) {
    const point = character.codePointAt(0) ?? 0;
    stacked = STACKED.test(character) ? stacked + 1 : 0;
    const boxed =
      (INVISIBLE.test(character) && !(options.code === true && character === '\t')) ||
      (options.name === true && point > 0x7e) ||
      stacked > 2;
    if (boxed) {
      flush();
      made.push({ text: escaped(point), title: described(point) });
    } else {
      run += character;
    }
  }
  flush();
  return made;
}

/** Count runs of nine and more spaces, which push what follows out of sight. Indentation may be longer. */
function spaces(run: string, startsLine: boolean): Piece[] {
  return run
    .split(/( {9,})/)
    .filter(part => part !== '')
    .map((part, index) => {
      const limit = startsLine && index === 0 ? 40 : 8;
      const counted = /^ +$/.test(part) && part.length > limit;
      return counted
        ? { text: words.__('spaces ×%1', part.length), title: words._n('%1 space', '%1 spaces', part.length) }
        : { text: part, title: null };
    });
}

function escaped(point: number): string {
  const simple: Readonly<Record<number, string>> = { 0x09: '\\t', 0x0a: '\\n', 0x0d: '\\r' };
  const digits = point.toString(16);
  if (point <= 0xff) {
    return simple[point] ?? `\\x${digits.padStart(2, '0')}`;
  }
  return point <= 0xffff ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}

function described(point: number): string {
  const code = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
  const kinds: [RegExp, string][] = [
    [/\p{Cc}/u, words.__('CONTROL')],
    [/\p{Z}/u, words.__('SPACE')],
    [/\p{M}/u, words.__('COMBINING MARK')],
    [/[\p{C}\p{Default_Ignorable_Code_Point}]/u, words.__('HAS NO INK')]
  ];
  const character = String.fromCodePoint(point);
  const kind = kinds.find(([pattern]) => pattern.test(character))?.[1] ?? words.__('NOT AN ASCII CHARACTER');
  return `${code} ${NAMES[point] ?? kind}`;
}

/** Text for the clipboard. A browser may refuse, and then the button says so. */

import { button } from './element';
import { words } from './words';

/** True when the browser let us. */
export async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** A button that copies a text, made when it is pressed, and says what came of it. */
export function copyButton(className: string, label: string, text: () => string): HTMLButtonElement {
  const made = button(
    className,
    () => {
      void copied(text()).then(done => {
        made.textContent = done ? words.__('Copied') : words.__('The browser did not allow it');
      });
    },
    label
  );
  return made;
}

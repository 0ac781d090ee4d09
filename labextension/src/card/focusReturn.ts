/**
 * Where the focus goes when the card goes.
 *
 * After a decision the kernel puts a line in the card's place, and whoever decided by keyboard would be left on nothing: the focus goes back
 * to the cell. It is taken from nobody: whoever moved on meanwhile stays where they are.
 */

/** Watch where the focus is; call what is returned when the card is taken off the page. */
export function returnFocus(root: HTMLElement): () => void {
  let cell: HTMLElement | null = null;
  const entered = (): void => {
    cell = root.closest<HTMLElement>('.jp-Cell');
  };
  const left = (event: FocusEvent): void => {
    if (event.relatedTarget instanceof Node && !root.contains(event.relatedTarget)) {
      cell = null;
    }
  };
  root.addEventListener('focusin', entered);
  root.addEventListener('focusout', left);
  return () => {
    root.removeEventListener('focusin', entered);
    root.removeEventListener('focusout', left);
    requestAnimationFrame(() => {
      const nowhere = document.activeElement === null || document.activeElement === document.body;
      if (nowhere && cell?.isConnected === true) {
        cell.focus({ preventScroll: true });
      }
    });
  };
}

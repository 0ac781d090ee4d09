/** Light or dark where the host does not say so: JupyterLab and VS Code mark their body, others only colour it. */

export function followHostTheme(near: Element): void {
  const body = document.body;
  const marked = 'jpThemeLight' in body.dataset || Array.from(body.classList).some(name => name.startsWith('vscode-'));
  if (marked || 'mgTheme' in document.documentElement.dataset) {
    return;
  }
  for (let at: Element | null = near; at !== null; at = at.parentElement) {
    const numbers =
      getComputedStyle(at)
        .backgroundColor.match(/[\d.]+/g)
        ?.map(Number) ?? [];
    const [red = 0, green = 0, blue = 0, alpha = 1] = numbers;
    if (numbers.length >= 3 && alpha > 0) {
      if (0.299 * red + 0.587 * green + 0.114 * blue < 110) {
        document.documentElement.dataset.mgTheme = 'dark';
      }
      return;
    }
  }
}

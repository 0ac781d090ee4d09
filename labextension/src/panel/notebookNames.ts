/**
 * Notebooks by the names that kernels know them by, and by the paths that JupyterLab knows them by.
 *
 * Jupyter's server tells a kernel an absolute path, other front ends a path of their own or a bare name, and nobody tells it of a rename.
 * JupyterLab's paths start at the server's root, which it shows with the home folder as "~". Notebook does not say where that is: a name
 * then means what it ends with.
 */

import type { Session } from './wire';

const HOME = /^(?:\/home\/[^/]+|\/root|\/Users\/[^/]+|[A-Za-z]:\/Users\/[^/]+)(?=\/|$)/;

/** The path below the server's root; null where the name is not, or not known to be, below it. */
export function pathBelow(root: string, notebook: string): string | null {
  const name = notebook.replaceAll('\\', '/');
  if (!isAbsolute(name)) {
    return name;
  }
  if (root === '') {
    return null;
  }
  const start = root.replaceAll('\\', '/').replace(/\/+$/, '');
  const inHome = start === '~' || start.startsWith('~/');
  const home = inHome ? (HOME.exec(name)?.[0] ?? null) : '';
  if (home === null) {
    return null;
  }
  const whole = `${home}${inHome ? start.slice(1) : start}/`;
  return name.startsWith(whole) ? name.slice(whole.length) : null;
}

/** Whether a name of the history means the notebook at a path of JupyterLab. */
export function isSame(root: string, notebook: string, path: string): boolean {
  const below = pathBelow(root, notebook);
  if (below === null) {
    return root === '' && notebook.replaceAll('\\', '/').endsWith(`/${path}`);
  }
  return below === path || (!notebook.includes('/') && !notebook.includes('\\') && below === lastPart(path));
}

/** What a person reads: the path below the root, or all of it; where the root is not known, the end that tells notebooks apart. */
export function shownName(root: string, notebook: string): string {
  const below = pathBelow(root, notebook);
  if (below !== null || root !== '') {
    return below ?? notebook;
  }
  return `…/${notebook.replaceAll('\\', '/').split('/').slice(-2).join('/')}`;
}

/**
 * The name that the history has for an open notebook. Its kernel says so where a session of it is known; else the newest name that means
 * this path. Null where nothing of it was recorded.
 */
export function nameInHistory(
  root: string,
  front: { path: string; kernel: string | null },
  sessions: readonly Session[],
  names: readonly (string | null)[]
): string | null {
  const own = sessions.find(session => session.kernel !== null && session.kernel === front.kernel);
  if (typeof own?.notebook === 'string') {
    return own.notebook;
  }
  return names.find(name => name !== null && isSame(root, name, front.path)) ?? null;
}

export function lastPart(path: string): string {
  return path.split('/').at(-1) ?? path;
}

function isAbsolute(name: string): boolean {
  return name.startsWith('/') || /^[A-Za-z]:\//.test(name);
}

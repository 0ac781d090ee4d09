/** What calls what: each call above those that it is made of, as lists in lists. */

import { element } from './element';
import { icon } from './icons';
import { strange } from './text';
import type { CallNode } from './view';
import { words } from './words';

export function callTree(nodes: readonly CallNode[]): HTMLElement {
  const root = element('ul', { class: 'mg-tree' });
  const lists = [root];
  let last: HTMLLIElement | null = null;
  for (const node of nodes) {
    // A stranger's tree may skip a depth; a page's cannot.
    const depth = Math.min(Math.max(node.depth, 0), lists.length);
    lists.length = Math.min(lists.length, depth + 1);
    if (depth === lists.length && last !== null) {
      const below = element('ul');
      last.append(below);
      lists.push(below);
    }
    last = element('li', {}, row(node));
    (lists[depth] ?? root).append(last);
  }
  return element('div', {}, element('h4', {}, words.__('What calls what')), root);
}

function row(node: CallNode): HTMLElement {
  return element(
    'div',
    { class: node.flagged ? 'hit' : '' },
    ...(node.flagged ? [icon('mark'), element('span', { class: 'mg-sr' }, `${words.__('flagged:')} `)] : []),
    element('b', {}, strange(node.name, { name: true })),
    strange(node.arguments, { code: true }),
    element(
      'span',
      { class: 'mg-2nd mg-num' },
      ` ${node.count > 1 ? `×${node.count} · ` : ''}${words.__('byte %1', node.position)}`
    )
  );
}

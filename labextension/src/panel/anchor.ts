/** What is read stays where it is on the screen, whatever arrives above it: the first row that is seen is remembered, and found again. */

import { near, topOf, type Heights } from './geometry';
import { identity, type GroupView, type ListGroup } from './listGroup';
import type { Row } from './wire';

export interface Anchor {
  identity: string;
  /** Pixels below the upper edge. */
  below: number;
}

/** The first of the drawn rows that is seen; null at the list's beginning, where what is new is to be seen. */
export function anchorOf(
  groups: readonly ListGroup[],
  heights: Heights,
  drawn: ReadonlyMap<string, GroupView>,
  top: number
): Anchor | null {
  if (top <= 0) {
    return null;
  }
  for (const [key, view] of drawn) {
    const group = groups.findIndex(one => one.key === key);
    for (const [index, row] of view.drawn) {
      const below = topOf(groups, heights, { group, row: index }) - top;
      if (row !== undefined && below >= 0) {
        return { identity: identity(row), below };
      }
    }
  }
  return null;
}

/** How far to scroll, so that the row of before stands where it stood; 0 where it is not near any more. */
export function drift(
  anchor: Anchor,
  groups: readonly ListGroup[],
  heights: Heights,
  rowAt: (group: number, index: number) => Row | undefined,
  seen: { top: number; height: number }
): number {
  for (const one of near(groups, heights, seen.top, seen.top + seen.height)) {
    for (let index = one.first; index < one.last; index++) {
      const row = rowAt(one.group, index);
      if (row !== undefined && identity(row) === anchor.identity) {
        return topOf(groups, heights, { group: one.group, row: index }) - seen.top - anchor.below;
      }
    }
  }
  return 0;
}

/** Where groups and their rows lie in a list of fixed heights, and which of them are near what is seen. */

export interface Heights {
  group: number;
  row: number;
}

export interface GroupShape {
  count: number;
  open: boolean;
}

/** Rows of one group that are near: from `first` up to, but not with, `last`. */
export interface Near {
  group: number;
  top: number;
  height: number;
  first: number;
  last: number;
}

/** Rows drawn beyond what is seen, above and below. */
const MARGIN = 6;

export function heightOf(group: GroupShape, heights: Heights): number {
  return heights.group + (group.open ? group.count * heights.row : 0);
}

export function totalHeight(groups: readonly GroupShape[], heights: Heights): number {
  return groups.reduce((sum, group) => sum + heightOf(group, heights), 0);
}

/** Groups that cross the stretch from `top` to `bottom`, and the rows of each that do. */
export function near(groups: readonly GroupShape[], heights: Heights, top: number, bottom: number): Near[] {
  const found: Near[] = [];
  const above = top - MARGIN * heights.row;
  const below = bottom + MARGIN * heights.row;
  let start = 0;
  groups.forEach((group, index) => {
    const height = heightOf(group, heights);
    if (start + height > above && start < below) {
      const rows = start + heights.group;
      const count = group.open ? group.count : 0;
      const first = Math.min(count, Math.max(0, Math.floor((above - rows) / heights.row)));
      const last = Math.min(count, Math.max(first, Math.ceil((below - rows) / heights.row)));
      found.push({ group: index, top: start, height, first, last });
    }
    start += height;
  });
  return found;
}

/** A place in the list: a group's own line (row -1) or one of its rows. */
export interface Place {
  group: number;
  row: number;
}

export function topOf(groups: readonly GroupShape[], heights: Heights, place: Place): number {
  const before = totalHeight(groups.slice(0, place.group), heights);
  return place.row < 0 ? before : before + heights.group + place.row * heights.row;
}

/** The place so many steps further down, or up; it stops at both ends. */
export function stepped(groups: readonly GroupShape[], place: Place, steps: number): Place {
  const flat = groups.slice(0, place.group).reduce((sum, group) => sum + lines(group), 0) + place.row + 1;
  let left = Math.max(0, flat + steps);
  for (const [index, group] of groups.entries()) {
    if (left < lines(group)) {
      return { group: index, row: left - 1 };
    }
    left -= lines(group);
  }
  const end = groups.at(-1);
  return end === undefined ? place : { group: groups.length - 1, row: lines(end) - 2 };
}

function lines(group: GroupShape): number {
  return 1 + (group.open ? group.count : 0);
}

/** What the header says, from what the kernel in front and the history know. */

import type { PanelFront } from './actions';
import type { HeaderState } from './header';
import type { History } from './history';

export function headerState(history: History, front: PanelFront): HeaderState {
  const { problem, status } = history;
  return {
    notebook: front.notebook,
    // A page that was opened while a cell runs hears nothing of its kernel; what it has put up for decision says enough.
    guard: front.guard === 'unknown' && history.frontWaits ? 'waiting' : front.guard,
    figures: problem?.kind === 'missing' ? null : figures(history),
    elsewhere: front.place !== null && status !== null && status.place !== '' && front.place !== status.place,
    reachable: problem?.kind !== 'unreachable'
  };
}

/** None where nothing is known; a notebook that the history does not know has loaded nothing. */
function figures(history: History): HeaderState['figures'] {
  if (history.figures !== null) {
    return { total: history.figures.total, stopped: history.figures.stopped };
  }
  return history.overview !== null && history.frontName() === null ? { total: 0, stopped: 0 } : null;
}

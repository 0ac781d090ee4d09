/** Notifications of loads that wait where nobody sees them: one each, that goes when the load is decided. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { plain } from '../card/text';
import { readView } from '../card/view';
import type { Approval } from './wire';
import { keyOf } from './waiting';

export interface NoticeActions {
  /** Whether a person has the load before them already. */
  seen: (approval: Approval) => boolean;
  review: (key: string) => void;
  emit: (message: string, actions: { label: string; callback: () => void }[]) => string;
  dismiss: (id: string) => void;
}

/** At most so many at a time: more are a reason to look, not to read. */
const MOST = 3;

export class Notices {
  private readonly words: TranslationBundle;
  private readonly actions: NoticeActions;
  private readonly shown = new Map<string, string>();
  private readonly told = new Set<string>();

  constructor(words: TranslationBundle, actions: NoticeActions) {
    this.words = words;
    this.actions = actions;
  }

  show(approvals: readonly Approval[]): void {
    const waiting = new Set(approvals.map(keyOf));
    for (const [key, id] of this.shown) {
      if (!waiting.has(key)) {
        this.actions.dismiss(id);
        this.shown.delete(key);
      }
    }
    for (const approval of approvals) {
      const key = keyOf(approval);
      if (!this.told.has(key) && approval.waiting && this.shown.size < MOST) {
        this.told.add(key);
        if (!this.actions.seen(approval)) {
          this.shown.set(key, this.notify(key, approval));
        }
      }
    }
  }

  private notify(key: string, approval: Approval): string {
    const name = plain(readView(approval.view)?.object ?? this.words.__('a load'));
    const review = {
      label: this.words.__('Review'),
      callback: () => {
        this.actions.review(key);
      }
    };
    return this.actions.emit(this.words.__('modelguard: %1 waits for your decision', inert(name)), [review]);
  }
}

/** Notifications are drawn from Markdown: what a stranger wrote must not become a link or a picture there. */
function inert(name: string): string {
  const short =
    Array.from(name).length > 60 ? `${Array.from(name).slice(0, 40).join('')}…${Array.from(name).slice(-16).join('')}` : name;
  return short.replace(/[^\p{L}\p{N} ._-]/gu, '?');
}

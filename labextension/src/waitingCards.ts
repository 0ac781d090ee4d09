/** The cards that one kernel shows and nobody has answered yet, as its messages tell. */

import type { KernelMessage } from '@jupyterlab/services';

const CARD = 'jupyter_modelguard.approval.card.ModelGuardCard';
const ASKING = new Set(['stopped', 'deciding']);

export class WaitingCards {
  private readonly ours = new Set<string>();
  private readonly waiting = new Set<string>();
  /** Loads that joined a card, by the card's id: how many of them nobody has answered. */
  private readonly joined = new Map<string, number>();

  get count(): number {
    let count = this.waiting.size;
    for (const number of this.joined.values()) {
      count += number;
    }
    return count;
  }

  clear(): void {
    this.ours.clear();
    this.waiting.clear();
    this.joined.clear();
  }

  /** Take note of a message; true when it came from a card. */
  hear(message: KernelMessage.IIOPubMessage): boolean {
    const card = field(message.content, 'comm_id');
    if (typeof card !== 'string') {
      return false;
    }
    const state = field(field(message.content, 'data'), 'state');
    if (message.header.msg_type === 'comm_open' && field(state, '_anywidget_id') === CARD) {
      this.ours.add(card);
    }
    if (!this.ours.has(card)) {
      return false;
    }
    const others = field(state, 'others');
    if (Array.isArray(others)) {
      this.joined.set(card, others.filter(one => ASKING.has(String(field(one, 'state')))).length);
    }
    if (message.header.msg_type === 'comm_close') {
      this.joined.delete(card);
    }
    const word = field(state, 'state');
    if (typeof word === 'string' && ASKING.has(word)) {
      this.waiting.add(card);
    } else if (typeof word === 'string' || message.header.msg_type === 'comm_close') {
      this.waiting.delete(card);
    }
    return true;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

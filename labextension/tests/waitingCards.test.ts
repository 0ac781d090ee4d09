import type { KernelMessage } from '@jupyterlab/services';
import { describe, expect, it } from 'vitest';

import { WaitingCards } from '../src/waitingCards';

const CARD = 'jupyter_modelguard.approval.card.ModelGuardCard';

function message(type: string, id: string, state?: Record<string, unknown>): KernelMessage.IIOPubMessage {
  return { header: { msg_type: type }, content: { comm_id: id, data: { state } } } as unknown as KernelMessage.IIOPubMessage;
}

describe('WaitingCards', () => {
  it('counts a card from the moment it opens until it is decided', () => {
    const cards = new WaitingCards();
    expect(cards.hear(message('comm_open', 'a', { _anywidget_id: CARD, state: 'stopped' }))).toBe(true);
    expect(cards.hear(message('comm_open', 'b', { _anywidget_id: CARD, state: 'stopped' }))).toBe(true);
    cards.hear(message('comm_msg', 'a', { state: 'deciding' }));
    expect(cards.count).toBe(2);
    cards.hear(message('comm_msg', 'a', { receipt: 'x', state: 'receipt' }));
    expect(cards.count).toBe(1);
    cards.hear(message('comm_close', 'b'));
    expect(cards.count).toBe(0);
  });

  it('counts a card again that asks about another load', () => {
    const cards = new WaitingCards();
    cards.hear(message('comm_open', 'a', { _anywidget_id: CARD, state: 'denied' }));
    expect(cards.count).toBe(0);
    cards.hear(message('comm_msg', 'a', { state: 'stopped' }));
    expect(cards.count).toBe(1);
    cards.clear();
    expect(cards.count).toBe(0);
  });

  it('counts the loads that joined a card, until each of them is decided', () => {
    const cards = new WaitingCards();
    cards.hear(message('comm_open', 'a', { _anywidget_id: CARD, state: 'stopped' }));
    cards.hear(message('comm_msg', 'a', { others: [{ state: 'stopped' }, { state: 'stopped' }] }));
    expect(cards.count).toBe(3);
    cards.hear(message('comm_msg', 'a', { state: 'denied' }));
    cards.hear(message('comm_msg', 'a', { others: [{ state: 'receipt' }, { state: 'stopped' }] }));
    expect(cards.count).toBe(1);
    cards.hear(message('comm_close', 'a'));
    expect(cards.count).toBe(0);
  });

  it("takes no notice of anybody else's widgets", () => {
    const cards = new WaitingCards();
    expect(cards.hear(message('comm_open', 'a', { _anywidget_id: 'other.Widget', state: 'stopped' }))).toBe(false);
    expect(cards.hear(message('comm_msg', 'a', { state: 'stopped' }))).toBe(false);
    expect(cards.hear(message('status', 'a'))).toBe(false);
    expect(cards.count).toBe(0);
  });
});

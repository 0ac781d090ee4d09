/**
 * What stands in one place of a cell's output: lines of loads that were decided, and the loads that wait now.
 *
 * One load that waits is a card. Where loads wait at the same time, in threads of one cell, they share one card with a row each; whoever
 * comes later joins it.
 */

import { Card } from './card';
import { element } from './element';
import { returnFocus } from './focusReturn';
import type { CardModel, CardTraits } from './model';
import { earlierLines } from './receipt';
import { Several } from './several';

export class Board {
  private readonly model: CardModel;
  private readonly root: HTMLElement;
  private readonly above = element('div');
  private readonly host = element('div');
  private shown: Card | Several;
  private readonly joined: JoinedLoad[] = [];
  private readonly focusGoesBack: () => void;

  constructor(model: CardModel, root: HTMLElement) {
    this.model = model;
    this.root = root;
    this.root.dataset.mgBoard = '';
    this.root.append(this.above, this.host);
    this.focusGoesBack = returnFocus(root);
    this.showEarlier();
    this.shown = new Card(model, this.host, root);
    this.model.on('change:earlier', this.showEarlier);
    this.model.on('change:others', this.join);
    this.join();
  }

  dispose(): void {
    this.focusGoesBack();
    this.shown.dispose();
    this.model.off('change:earlier', this.showEarlier);
    this.model.off('change:others', this.join);
  }

  private readonly showEarlier = (): void => {
    const lines = this.model.get('earlier');
    this.above.replaceChildren(...earlierLines(Array.isArray(lines) ? lines : []));
  };

  private readonly join = (): void => {
    const others = this.model.get('others');
    const number = Array.isArray(others) ? others.length : 0;
    if (number === 0) {
      return;
    }
    while (this.joined.length < number) {
      this.joined.push(new JoinedLoad(this.model, this.joined.length));
    }
    if (!(this.shown instanceof Several)) {
      this.shown.dispose();
      this.host.replaceChildren();
      this.shown = new Several(this.host, this.root);
      this.shown.add(this.model);
    }
    for (const load of this.joined) {
      this.shown.add(load);
    }
    for (const load of this.joined) {
      load.changed();
    }
  };
}

/** A load that joined, as if it had a card of its own: its traits stand in the list of the others. */
class JoinedLoad implements CardModel {
  private readonly model: CardModel;
  private readonly place: number;
  private readonly listeners = new Set<() => void>();

  constructor(model: CardModel, place: number) {
    this.model = model;
    this.place = place;
  }

  get<Name extends keyof CardTraits>(name: Name): CardTraits[Name] {
    const others = this.model.get('others');
    const entry: unknown = Array.isArray(others) ? others[this.place] : null;
    const traits = (typeof entry === 'object' && entry !== null ? entry : {}) as Partial<CardTraits>;
    const missing: CardTraits = {
      token: '',
      view: null,
      state: 'stopped',
      receipt: '',
      earlier: [],
      others: [],
      progress: null,
      late: []
    };
    return traits[name] ?? missing[name];
  }

  on(_event: string, listener: () => void): void {
    this.listeners.add(listener);
  }

  off(_event: string, listener: () => void): void {
    this.listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.listeners) {
      listener();
    }
  }

  send(message: Parameters<CardModel['send']>[0]): void {
    this.model.send(message);
  }
}

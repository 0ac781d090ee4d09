/**
 * A card without its kernel's widget: what waits, as the server tells it, and a decision that goes through the server.
 *
 * The very same card draws it. The kernel that waits checks what the server wrote for it as it checks a click.
 */

import type { Allow, CardModel, CardState, CardTraits, Deny, Ready } from '../card/model';
import type { Answer, Decision } from './api';
import type { Decided } from './wire';

export class RestCard implements CardModel {
  private readonly traits: CardTraits;
  private readonly decide: (decision: Decision) => Promise<Answer<Decided>>;
  private readonly listeners = new Map<string, Set<() => void>>();

  constructor(view: unknown, decide: (decision: Decision) => Promise<Answer<Decided>>) {
    this.traits = { token: '', view, state: 'stopped', receipt: '', earlier: [], others: [], progress: null, late: [] };
    this.decide = decide;
  }

  get<Name extends keyof CardTraits>(name: Name): CardTraits[Name] {
    return this.traits[name];
  }

  on(event: string, listener: () => void): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
  }

  off(event: string, listener: () => void): void {
    this.listeners.get(event)?.delete(listener);
  }

  send(message: Ready | Allow | Deny): void {
    if (!('decision' in message) || this.traits.state !== 'stopped') {
      return;
    }
    this.become('deciding');
    void this.decide(withoutToken(message)).then(answer => {
      // What could not be sent can be decided again; what was decided goes from the list by itself.
      if (!answer.ok) {
        this.become('stopped');
      }
    });
  }

  private become(state: CardState): void {
    this.traits.state = state;
    for (const listener of this.listeners.get('change:state') ?? []) {
      listener();
    }
  }
}

function withoutToken(message: Allow | Deny): Decision {
  if (message.decision === 'deny') {
    return message.instead === undefined ? { decision: 'deny' } : { decision: 'deny', instead: message.instead };
  }
  const { decision, reason, scope, finding } = message;
  return { decision, reason, scope, finding };
}

/**
 * The side of the kernel's widget that the card uses, and what it may say back.
 *
 * anywidget hands over such an object in every front end, with or without a lab extension.
 */

export type CardState = 'checking' | 'stopped' | 'deciding' | 'receipt' | 'denied' | 'stale' | 'abandoned';

export interface CardTraits {
  /** Random text that proves a message comes from this very card. */
  token: string;
  /** A CardView as JSON. */
  view: unknown;
  state: CardState;
  /** What happened, in one line; empty until something did. */
  receipt: string;
  /** Lines of loads of the same cell that were decided before. */
  earlier: unknown;
  /** Loads that wait in the same cell at the same time, each with a token, a view, a state and a receipt of its own. */
  others: unknown;
  /** While checking: a sentence, and how much is done where that is known. */
  progress: unknown;
  /** Facts that came after the card, each with a label and a text. */
  late: unknown;
}

export interface Ready {
  ready: string;
}

export interface Allow {
  token: string;
  decision: 'allow';
  reason: string;
  scope: string;
  /** The finding that was typed; empty when none was asked for. */
  finding: string;
}

export interface Deny {
  token: string;
  decision: 'deny';
  /** The safer way that was taken instead, by its label. */
  instead?: string;
}

export interface CardModel {
  get<Name extends keyof CardTraits>(name: Name): CardTraits[Name];
  on(event: string, listener: () => void): void;
  off(event: string, listener: () => void): void;
  send(message: Ready | Allow | Deny): void;
}

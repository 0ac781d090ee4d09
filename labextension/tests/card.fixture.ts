/** A model without a kernel, a view to show, and ways to find what a person would press. */

import type { CardModel, CardState, CardTraits } from '../src/card/model';
import type { CardView } from '../src/card/view';
import widget from '../src/card/widget';

export const VIEW: CardView = {
  id: '7f3a91c2',
  level: 'runs_code',
  title: 'Stopped before loading',
  consequence: 'can run code on this machine',
  chip: 'Runs code',
  object: 'yolo.pt',
  call: 'torch.load(weights_only=False)',
  place: 'In [7] line 3',
  would: 'Python would call, while reading the file',
  calls: [
    { name: 'builtins.getattr', count: 3, note: 'can reach any attribute', origin: 'Python', judged: 'unknown', flagged: true }
  ],
  missed: [],
  facts: [{ label: 'Checked', text: '1 of 1 pickle streams' }],
  safer: [],
  reasons: ['I made this file', 'I know the publisher'],
  scopes: [
    { value: 'digest', label: 'This exact file', button: 'Run 2 and remember', hint: '', enabled: true },
    { value: 'once', label: 'Just this call, once', button: 'Run 2 unknown functions once', hint: '', enabled: true },
    { value: 'commit', label: 'This commit', button: 'Pin and run', hint: 'The branch can move.', enabled: false }
  ],
  confirm: [],
  every_call: [{ name: 'builtins.getattr', count: 3, note: '', origin: 'Python', judged: 'unknown', flagged: true }],
  listings: [
    {
      heading: 'Rebuilt',
      source: 'data.pkl',
      rows: [{ number: 1, text: 'getattr(a, "b")', flagged: true, note: '', change: '' }]
    }
  ],
  opcodes: [{ position: 0, opcode: 'PROTO', argument: '4', flagged: false, meaning: 'pickle protocol 4' }],
  tree: [],
  phases: [],
  remark: '',
  since: '',
  changes: [],
  differences: [],
  rule: [],
  sought: false,
  limits: 'Native code.'
};

export class FakeModel implements CardModel {
  readonly sent: unknown[] = [];
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly traits: CardTraits;

  constructor(view: unknown, state: CardState = 'stopped', receipt = '') {
    this.traits = { token: 'a-token', view, state, receipt, earlier: [], others: [], progress: null, late: [] };
  }

  get<Name extends keyof CardTraits>(name: Name): CardTraits[Name] {
    return this.traits[name];
  }

  /** What the kernel does when it changes a trait. */
  put<Name extends keyof CardTraits>(name: Name, value: CardTraits[Name]): void {
    this.traits[name] = value;
    for (const listener of this.listeners.get(`change:${name}`) ?? []) {
      listener();
    }
  }

  on(event: string, listener: () => void): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
  }

  off(event: string, listener: () => void): void {
    this.listeners.get(event)?.delete(listener);
  }

  send(message: unknown): void {
    this.sent.push(message);
  }
}

export class Shown {
  readonly host = document.createElement('div');
  readonly model: FakeModel;
  readonly close: () => void;

  constructor(view: unknown = JSON.stringify(VIEW), state: CardState = 'stopped', receipt = '') {
    document.body.append(this.host);
    this.model = new FakeModel(view, state, receipt);
    this.close = widget.render({ model: this.model, el: this.host });
  }

  get text(): string {
    return this.host.textContent;
  }

  button(words: string): HTMLButtonElement {
    const found = Array.from(this.host.querySelectorAll('button')).find(one => one.textContent === words);
    if (found === undefined) {
      throw new Error(`no button "${words}" in: ${this.text}`);
    }
    return found;
  }

  choose(label: string): void {
    const found = Array.from(this.host.querySelectorAll('label')).find(one => one.textContent.startsWith(label));
    found?.querySelector('input')?.click();
  }

  type(text: string): void {
    const input = this.host.querySelector<HTMLInputElement>('input[type=text]');
    if (input !== null) {
      input.value = text;
      input.dispatchEvent(new Event('input', { bubbles: true }));
    }
  }

  press(key: string): void {
    this.host.querySelector('section')?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  }
}

export function viewWith(changes: Partial<CardView>): string {
  return JSON.stringify({ ...VIEW, ...changes });
}

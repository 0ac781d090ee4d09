import type { Kernel } from '@jupyterlab/services';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { GuardWatch, type GuardState } from '../src/guardState';

type Listener = (sender: unknown, value: unknown) => void;

class FakeSignal {
  private readonly listeners = new Set<Listener>();
  connect(listener: Listener): void {
    this.listeners.add(listener);
  }
  disconnect(listener: Listener): void {
    this.listeners.delete(listener);
  }
  emit(sender: unknown, value: unknown): void {
    for (const listener of this.listeners) {
      listener(sender, value);
    }
  }
}

class FakeKernel {
  readonly statusChanged = new FakeSignal();
  readonly connectionStatusChanged = new FakeSignal();
  readonly disposed = new FakeSignal();
  readonly iopubMessage = new FakeSignal();
  readonly asked: Record<string, unknown>[] = [];
  status = 'idle';
  connectionStatus = 'connected';
  answer: unknown = { status: 'ok', data: { 'text/plain': 'True' } };
  reply = 'ok';
  lost = false;

  constructor(readonly id: string) {}

  requestExecute(content: Record<string, unknown>): { done: Promise<unknown> } {
    this.asked.push(content);
    if (this.lost) {
      return { done: Promise.reject(new Error('Canceled')) };
    }
    return { done: Promise.resolve({ content: { status: this.reply, user_expressions: { guarded: this.answer } } }) };
  }

  become(status: string): void {
    this.status = status;
    this.statusChanged.emit(this, status);
  }

  get connection(): Kernel.IKernelConnection {
    return this as unknown as Kernel.IKernelConnection;
  }
}

let seen: GuardState[] = [];
let watch: GuardWatch;

beforeEach(() => {
  vi.useFakeTimers();
  seen = [];
  watch = new GuardWatch(state => seen.push(state));
});
afterEach(() => {
  vi.useRealTimers();
});

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(1000);
}

test('an idle kernel is asked once, silently and without code', async () => {
  const kernel = new FakeKernel('k');
  watch.follow(kernel.connection);
  expect(watch.state).toBe('unknown');
  await settle();
  expect(kernel.asked).toHaveLength(1);
  expect(kernel.asked[0]).toMatchObject({
    code: '',
    silent: true,
    store_history: false,
    stop_on_error: false,
    allow_stdin: false
  });
  expect(seen.at(-1)).toBe('guarded');
});

test('a kernel that is asked does not ask for more by becoming busy and idle', async () => {
  const kernel = new FakeKernel('k');
  watch.follow(kernel.connection);
  await settle();
  kernel.become('busy');
  kernel.become('idle');
  await settle();
  expect(kernel.asked).toHaveLength(1);
});

test('a busy kernel is left alone until it is idle, and the last known state stays', async () => {
  const kernel = new FakeKernel('k');
  watch.follow(kernel.connection);
  await settle();
  kernel.become('busy');
  watch.ask();
  await settle();
  expect(kernel.asked).toHaveLength(1);
  expect(watch.state).toBe('guarded');
  kernel.become('idle');
  await settle();
  expect(kernel.asked).toHaveLength(2);
});

test('the short rests between the cells of a run are not used to ask', async () => {
  const kernel = new FakeKernel('k');
  kernel.status = 'busy';
  watch.follow(kernel.connection);
  for (let cell = 0; cell < 5; cell++) {
    kernel.become('idle');
    await vi.advanceTimersByTimeAsync(50);
    kernel.become('busy');
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(kernel.asked).toHaveLength(0);
});

test.each([
  ['False', 'unguarded'],
  ['True', 'guarded'],
  ["'True'", 'unknown'],
  ['<strange>', 'unknown']
])('the answer %s means %s', async (text, state) => {
  const kernel = new FakeKernel('k');
  kernel.answer = { status: 'ok', data: { 'text/plain': text } };
  watch.follow(kernel.connection);
  await settle();
  expect(watch.state).toBe(state);
});

test('a kernel that names the place of its history is guarded, and the place is remembered', async () => {
  const kernel = new FakeKernel('k');
  kernel.answer = { status: 'ok', data: { 'text/plain': "'0123456789abcdef'" } };
  watch.follow(kernel.connection);
  expect(watch.place).toBeNull();
  await settle();
  expect(watch.state).toBe('guarded');
  expect(watch.place).toBe('0123456789abcdef');
  kernel.answer = { status: 'ok', data: { 'text/plain': 'True' } };
  watch.ask();
  await settle();
  expect(watch.state).toBe('guarded');
  expect(watch.place).toBeNull();
});

test.each([
  ['an aborted reply', (kernel: FakeKernel) => (kernel.reply = 'aborted')],
  ['an expression that failed', (kernel: FakeKernel) => (kernel.answer = { status: 'error', ename: 'NameError' })],
  ['a lost request', (kernel: FakeKernel) => (kernel.lost = true)]
])('after %s the state is unknown, also where it was guarded', async (_what, spoil) => {
  const kernel = new FakeKernel('k');
  watch.follow(kernel.connection);
  await settle();
  expect(watch.state).toBe('guarded');
  spoil(kernel);
  watch.ask();
  await settle();
  expect(watch.state).toBe('unknown');
});

test('a restart forgets at once and asks when the kernel is idle again', async () => {
  const kernel = new FakeKernel('k');
  watch.follow(kernel.connection);
  await settle();
  kernel.become('restarting');
  expect(seen.at(-1)).toBe('unknown');
  kernel.answer = { status: 'ok', data: { 'text/plain': 'False' } };
  kernel.become('idle');
  await settle();
  expect(seen.at(-1)).toBe('unguarded');
});

test('a kernel that cannot be reached is not called guarded', async () => {
  const kernel = new FakeKernel('k');
  watch.follow(kernel.connection);
  await settle();
  kernel.connectionStatus = 'connecting';
  kernel.connectionStatusChanged.emit(kernel, 'connecting');
  expect(seen.at(-1)).toBe('unknown');
});

test('an answer of the kernel before is not taken for the kernel in front', async () => {
  const first = new FakeKernel('first');
  const second = new FakeKernel('second');
  second.status = 'busy';
  watch.follow(first.connection);
  await vi.advanceTimersByTimeAsync(160);
  watch.follow(second.connection);
  await settle();
  expect(watch.state).toBe('unknown');
});

test('each kernel keeps what it said last', async () => {
  const first = new FakeKernel('first');
  const second = new FakeKernel('second');
  second.answer = { status: 'ok', data: { 'text/plain': 'False' } };
  watch.follow(first.connection);
  await settle();
  watch.follow(second.connection);
  await settle();
  first.status = 'busy';
  watch.follow(first.connection);
  expect(watch.state).toBe('guarded');
});

test('a card in a running cell says that the kernel is guarded and waits, without a question', async () => {
  const kernel = new FakeKernel('one');
  kernel.answer = { status: 'ok', data: { 'text/plain': 'False' } };
  watch.follow(kernel.connection);
  await vi.advanceTimersByTimeAsync(1000);
  kernel.become('busy');
  const state = { _anywidget_id: 'jupyter_modelguard.approval.card.ModelGuardCard', state: 'stopped' };
  kernel.iopubMessage.emit(kernel, { header: { msg_type: 'comm_open' }, content: { comm_id: 'card', data: { state } } });
  expect(watch.state).toBe('waiting');
  expect(watch.waiting).toBe(1);
  kernel.iopubMessage.emit(kernel, {
    header: { msg_type: 'comm_msg' },
    content: { comm_id: 'card', data: { state: { state: 'denied' } } }
  });
  expect(watch.state).toBe('guarded');
  expect(kernel.asked).toHaveLength(1);
});

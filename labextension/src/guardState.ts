/**
 * Whether a kernel is guarded, as far as it said so itself.
 *
 * The kernel is asked by a silent request without code, whose one expression looks into `sys.modules` and imports nothing. It is asked
 * only while it is idle and after something happened that can change the answer (another kernel, a restart, an executed cell): nothing
 * is polled, and a running cell is neither disturbed nor queued behind. What is not known is never called guarded. A card that a kernel
 * shows while its cell runs says without being asked that this kernel is guarded, and waits.
 */

import type { Kernel, KernelMessage } from '@jupyterlab/services';

import { WaitingCards } from './waitingCards';

export type GuardState = 'guarded' | 'unguarded' | 'unknown' | 'waiting';

/** False where nothing guards, else the name of the place where the guard keeps its history, or True where it has no such name. */
const QUESTION =
  '(lambda guard: guard is not None and guard.current() is not None and' +
  " (getattr(getattr(guard.current(), 'store', None), 'place', None) or True))" +
  "(__import__('sys').modules.get('jupyter_modelguard.guard'))";

/** What a Python string of hexadecimal digits looks like when it is shown. */
const PLACE = /^'([0-9a-f]{8,64})'$/;

export interface KernelAnswer {
  state: GuardState;
  /** Names where the kernel keeps its history; null where it did not say. */
  place: string | null;
}

const NOT_KNOWN: KernelAnswer = { state: 'unknown', place: null };

/** Milliseconds that a kernel must have been idle: between the cells of Run All it is idle for less. */
const SETTLED = 150;

/** Ask a Python kernel once; anything but a clear answer is unknown. */
export async function askKernel(kernel: Kernel.IKernelConnection): Promise<KernelAnswer> {
  const future = kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    allow_stdin: false,
    // An answer that fails must not make the kernel drop the cells queued after it.
    stop_on_error: false,
    user_expressions: { guarded: QUESTION }
  });
  const reply = await future.done;
  if (reply.content.status !== 'ok') {
    return NOT_KNOWN;
  }
  const answer: unknown = reply.content.user_expressions.guarded;
  const said = plainText(answer) ?? '';
  if (said === 'False') {
    return { state: 'unguarded', place: null };
  }
  const place = PLACE.exec(said)?.[1] ?? null;
  return said === 'True' || place !== null ? { state: 'guarded', place } : NOT_KNOWN;
}

/** Follows one kernel at a time and remembers what each said last. */
export class GuardWatch {
  private readonly known = new Map<string, KernelAnswer>();
  private readonly cards = new WaitingCards();
  private readonly changed: (state: GuardState) => void;
  private kernel: Kernel.IKernelConnection | null = null;
  private generation = 0;
  private due = false;
  private asking = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: (state: GuardState) => void) {
    this.changed = changed;
  }

  get state(): GuardState {
    const kernel = this.kernel;
    if (kernel?.connectionStatus !== 'connected') {
      return 'unknown';
    }
    return this.cards.count > 0 ? 'waiting' : (this.known.get(kernel.id)?.state ?? 'unknown');
  }

  /** How many loads of the kernel in front wait for a decision. */
  get waiting(): number {
    return this.cards.count;
  }

  /** Where the kernel in front keeps its history, as it said last; null where it has not said. */
  get place(): string | null {
    return this.kernel === null ? null : (this.known.get(this.kernel.id)?.place ?? null);
  }

  /** Follow another kernel, or none. */
  follow(kernel: Kernel.IKernelConnection | null): void {
    if (kernel === this.kernel) {
      return;
    }
    this.kernel?.statusChanged.disconnect(this.onStatus);
    this.kernel?.connectionStatusChanged.disconnect(this.onConnection);
    this.kernel?.disposed.disconnect(this.onDisposed);
    this.kernel?.iopubMessage.disconnect(this.onMessage);
    this.cards.clear();
    this.kernel = kernel;
    this.begin();
    kernel?.statusChanged.connect(this.onStatus);
    kernel?.connectionStatusChanged.connect(this.onConnection);
    kernel?.disposed.connect(this.onDisposed);
    kernel?.iopubMessage.connect(this.onMessage);
    this.changed(this.state);
    this.ask();
  }

  /** A cell ran: ask when the kernel is idle again. */
  ask(): void {
    this.due = this.kernel !== null;
    this.schedule();
  }

  private readonly onStatus = (kernel: Kernel.IKernelConnection, status: Kernel.Status): void => {
    if (status === 'restarting' || status === 'autorestarting' || status === 'dead' || status === 'terminating') {
      this.known.delete(kernel.id);
      this.cards.clear();
      this.begin();
      this.due = true;
      this.changed(this.state);
    }
    this.schedule();
  };

  private readonly onMessage = (kernel: Kernel.IKernelConnection, message: KernelMessage.IIOPubMessage): void => {
    if (this.cards.hear(message)) {
      this.known.set(kernel.id, { state: 'guarded', place: this.known.get(kernel.id)?.place ?? null });
      this.changed(this.state);
    }
  };

  private readonly onConnection = (): void => {
    this.changed(this.state);
    this.begin();
    this.ask();
  };

  private readonly onDisposed = (): void => {
    this.follow(null);
  };

  /** Drop whatever was asked before: its answer speaks of another time. */
  private begin(): void {
    this.generation += 1;
    this.asking = false;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (this.due && !this.asking && this.ready()) {
      this.timer = setTimeout(() => {
        void this.put();
      }, SETTLED);
    }
  }

  private ready(): boolean {
    return this.kernel?.status === 'idle' && this.kernel.connectionStatus === 'connected';
  }

  private async put(): Promise<void> {
    const kernel = this.kernel;
    if (kernel === null || this.asking || !this.ready()) {
      return;
    }
    const generation = this.generation;
    this.asking = true;
    this.due = false;
    let said = NOT_KNOWN;
    try {
      said = await askKernel(kernel);
    } catch {
      // Cancelled, by a restart or a lost connection: not known.
    }
    if (generation !== this.generation) {
      return;
    }
    this.asking = false;
    this.known.set(kernel.id, said);
    this.changed(this.state);
    this.schedule();
  }
}

function plainText(answer: unknown): string | null {
  if (typeof answer !== 'object' || answer === null || !('data' in answer)) {
    return null;
  }
  const data: unknown = answer.data;
  if (typeof data !== 'object' || data === null || !('text/plain' in data)) {
    return null;
  }
  const text: unknown = data['text/plain'];
  return typeof text === 'string' ? text : null;
}

/**
 * The notebook in front: its kernel, whether that is guarded, and how many of its loads wait. Shield and panel both look here.
 */

import { NotebookActions, type INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import { Token } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';

import { GuardWatch, type GuardState } from './guardState';

export interface IFront {
  /** Told of whatever changes here. */
  readonly changed: ISignal<IFront, void>;
  /** The notebook in front, where it has a Python kernel to guard. */
  readonly notebook: NotebookPanel | null;
  readonly kernel: Kernel.IKernelConnection | null;
  readonly state: GuardState;
  readonly waiting: number;
  /** Where the kernel keeps its history; null where it has not said. */
  readonly place: string | null;
  /** Ask the kernel again when it is idle. */
  ask: () => void;
}

export const IFront = new Token<IFront>('jupyter-modelguard:IFront', 'The notebook in front, and whether its kernel is guarded.');

export class Front implements IFront {
  readonly changed: Signal<IFront, void> = new Signal<IFront, void>(this);
  private readonly watch = new GuardWatch(() => {
    this.changed.emit();
  });
  private front: NotebookPanel | null = null;
  private watched = false;

  constructor(tracker: INotebookTracker) {
    tracker.currentChanged.connect((_tracker, panel) => {
      this.bring(panel);
    });
    NotebookActions.executed.connect((_actions, { notebook }) => {
      if (notebook === this.front?.content) {
        this.watch.ask();
      }
    });
    this.bring(tracker.currentWidget);
  }

  get notebook(): NotebookPanel | null {
    return this.watched ? this.front : null;
  }

  get kernel(): Kernel.IKernelConnection | null {
    return this.watched ? (this.front?.sessionContext.session?.kernel ?? null) : null;
  }

  get state(): GuardState {
    return this.watch.state;
  }

  get waiting(): number {
    return this.watch.waiting;
  }

  get place(): string | null {
    return this.watch.place;
  }

  ask(): void {
    this.watch.ask();
  }

  private bring(panel: NotebookPanel | null): void {
    this.front?.sessionContext.kernelChanged.disconnect(this.followKernel);
    this.front = panel;
    this.front?.sessionContext.kernelChanged.connect(this.followKernel);
    this.followKernel();
  }

  private readonly followKernel = (): void => {
    const kernel = this.front?.sessionContext.session?.kernel ?? null;
    void speaksPython(kernel).then(python => {
      // Another notebook may have come to the front meanwhile.
      if (kernel === (this.front?.sessionContext.session?.kernel ?? null)) {
        this.watched = python;
        this.watch.follow(python ? kernel : null);
        this.changed.emit();
      }
    });
  };
}

export function nameOf(panel: NotebookPanel): string {
  return panel.context.localPath.split('/').at(-1) ?? panel.title.label;
}

async function speaksPython(kernel: Kernel.IKernelConnection | null): Promise<boolean> {
  if (kernel === null) {
    return false;
  }
  try {
    // The server knows the specification; a kernel that is busy, as one that waits for a decision is, says nothing of itself.
    const language = (await kernel.spec)?.language ?? (await kernel.info).language_info.name;
    return language.toLowerCase() === 'python';
  } catch {
    return false;
  }
}

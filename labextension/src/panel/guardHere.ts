/**
 * "Guard this notebook": the magic that a person would type, run in the kernel without a cell.
 *
 * Nothing is written into the notebook and its numbering stays. What the kernel prints is handed back, to be shown. A kernel looks into
 * the notebook's own folder before it looks at what is installed: that folder is left out meanwhile, since a `modelguard.py` that came
 * along with a notebook is not what was pressed for.
 */

import type { Kernel, KernelMessage } from '@jupyterlab/services';

const CODE = `exec("""
import os, sys
whole, here = sys.path[:], os.path.realpath(os.getcwd())
sys.path[:] = [folder for folder in whole if folder and os.path.realpath(folder) != here]
try:
    shell.run_line_magic('load_ext', 'modelguard')
finally:
    sys.path[:] = whole
""", {'shell': get_ipython()})`;

/** Milliseconds to look at a kernel that may be busy before saying so. */
const PATIENCE = 1500;

export interface Guarded {
  ok: boolean;
  /** What the kernel printed, or its error. */
  said: string;
}

export async function guardKernel(kernel: Kernel.IKernelConnection, queued: () => void): Promise<Guarded> {
  const printed: string[] = [];
  const timer = setTimeout(queued, PATIENCE);
  try {
    const future = kernel.requestExecute({ code: CODE, silent: false, store_history: false, stop_on_error: false });
    future.onIOPub = message => {
      printed.push(textOf(message));
    };
    const { content } = await future.done;
    const said = printed.join('').trim();
    if (content.status === 'error') {
      return { ok: false, said: `${content.ename}: ${content.evalue}` };
    }
    return { ok: content.status === 'ok', said };
  } catch (error) {
    return { ok: false, said: String(error) };
  } finally {
    clearTimeout(timer);
  }
}

function textOf(message: KernelMessage.IIOPubMessage): string {
  const content = message.content as Record<string, unknown>;
  return message.header.msg_type === 'stream' && typeof content.text === 'string' ? content.text : '';
}

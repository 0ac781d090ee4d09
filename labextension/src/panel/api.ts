/**
 * The one module that talks to the server. Errors are values: whoever asks says what to do about each.
 *
 * A server without the extension is told from one that refuses: our own errors say what to do next, a missing route says nothing.
 */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Allow, Deny } from '../card/model';
import { asQuery, type Filter } from './filter';
import type { Approvals, Decided, Detail, Notebooks, Scans, Sessions, Status } from './wire';

export interface Problem {
  kind: 'unreachable' | 'missing' | 'refused';
  /** HTTP status; 0 where nobody answered. */
  status: number;
  message: string;
  next: string;
}

export type Answer<Value> = { ok: true; value: Value } | { ok: false; problem: Problem };

/** What is sent of a decision: all that the card says, but for the token that only the kernel knows. */
export type Decision = Omit<Allow, 'token'> | Omit<Deny, 'token'>;

export interface Named {
  session: string;
  id: string;
}

export const FORMATS = ['json', 'csv', 'sarif', 'cyclonedx'] as const;
export type Format = (typeof FORMATS)[number];

export interface ExportedFile {
  name: string;
  content: Blob;
}

type Shape = Record<string, 'array' | 'object' | 'number' | 'string' | 'boolean'>;

export class Api {
  private readonly settings: ServerConnection.ISettings;

  constructor(settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {
    this.settings = settings;
  }

  status(): Promise<Answer<Status>> {
    return this.read('status', { version: 'string', place: 'string' });
  }

  approvals(): Promise<Answer<Approvals>> {
    return this.read('approvals', { approvals: 'array' });
  }

  sessions(): Promise<Answer<Sessions>> {
    return this.read('sessions', { sessions: 'array' });
  }

  /** How many records there are by notebook and level. */
  notebooks(filter: Filter): Promise<Answer<Notebooks>> {
    return this.read(`notebooks${asQuery(filter)}`, { total: 'number', levels: 'object', notebooks: 'array' });
  }

  scans(filter: Filter, limit: number, offset: number): Promise<Answer<Scans>> {
    return this.read(`scans${asQuery(filter, { limit: String(limit), offset: String(offset) })}`, { rows: 'array' });
  }

  detail(of: Named): Promise<Answer<Detail>> {
    return this.read(`scans/${path(of)}`, {
      row: 'object',
      facts: 'array',
      listings: 'array',
      trail: 'array',
      findings: 'array'
    });
  }

  delete(of: Named): Promise<Answer<unknown>> {
    return this.read(`scans/${path(of)}`, {}, { method: 'DELETE' });
  }

  /** The answer names the card that was shown: another one may stand in the history by now. */
  decide(of: Named & { seen: string }, decision: Decision): Promise<Answer<Decided>> {
    const body = JSON.stringify({ ...decision, seen: of.seen });
    return this.read(`approvals/${path(of)}`, { decided: 'boolean' }, { method: 'POST', body });
  }

  forget(trusted: string): Promise<Answer<unknown>> {
    return this.read(`trust/${encodeURIComponent(trusted)}`, {}, { method: 'DELETE' });
  }

  /** Fetched with the page's own credentials: a plain link would need a token in its address. */
  async export(format: Format, filter: Filter): Promise<Answer<ExportedFile>> {
    const answer = await this.request(`export${asQuery(filter, { format })}`);
    if (!answer.ok) {
      return answer;
    }
    const said = answer.value.headers.get('Content-Disposition') ?? '';
    const name = /filename="?([\w.-]+)"?/.exec(said)?.[1] ?? `modelguard-history.${format}`;
    return { ok: true, value: { name, content: await answer.value.blob() } };
  }

  private async read<Value>(route: string, shape: Shape, init: RequestInit = {}): Promise<Answer<Value>> {
    const answer = await this.request(route, init);
    if (!answer.ok) {
      return answer;
    }
    const value = await json(answer.value);
    return fits(value, shape)
      ? { ok: true, value: value as Value }
      : refused(answer.value.status, 'The answer is not understood.');
  }

  private async request(route: string, init: RequestInit = {}): Promise<Answer<Response>> {
    const url = URLExt.join(this.settings.baseUrl, 'jupyter-modelguard') + `/${route}`;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch (error) {
      return { ok: false, problem: { kind: 'unreachable', status: 0, message: String(error), next: '' } };
    }
    if (response.ok) {
      return { ok: true, value: response };
    }
    const said = await json(response);
    const message = text(said, 'message') ?? response.statusText;
    const next = text(said, 'next');
    if (response.status === 404 && next === null) {
      return { ok: false, problem: { kind: 'missing', status: 404, message, next: '' } };
    }
    // What stands before the server answers for it while it restarts.
    const gateway = [502, 504].includes(response.status) || (response.status === 503 && next === null);
    const kind = gateway ? 'unreachable' : 'refused';
    return { ok: false, problem: { kind, status: response.status, message, next: next ?? '' } };
  }
}

function path({ session, id }: Named): string {
  return `${encodeURIComponent(session)}/${encodeURIComponent(id)}`;
}

function refused(status: number, message: string): { ok: false; problem: Problem } {
  return { ok: false, problem: { kind: 'refused', status, message, next: '' } };
}

async function json(response: Response): Promise<unknown> {
  try {
    return (await response.json()) as unknown;
  } catch {
    return undefined;
  }
}

function text(value: unknown, name: string): string | null {
  const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof found === 'string' ? found : null;
}

/** Whether the parts that are walked through are there; what is drawn is drawn as text, whatever it is. */
function fits(value: unknown, shape: Shape): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const fields = value as Record<string, unknown>;
  return Object.entries(shape).every(([name, kind]) => {
    const field = fields[name];
    return kind === 'array' ? Array.isArray(field) : typeof field === kind && field !== null;
  });
}

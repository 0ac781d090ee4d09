/**
 * Rows of the list, fetched by page when they come near what is seen.
 *
 * When the history has changed, the pages on show stay until their successors are there; the others are forgotten and fetched when needed.
 */

import type { Row } from './wire';

export const PAGE = 100;

export type FetchRows = (notebook: string | null, limit: number, offset: number) => Promise<Row[] | null>;

interface Page {
  notebook: string | null;
  number: number;
  rows: Row[];
}

export class Pages {
  private readonly fetch: FetchRows;
  private readonly arrived: () => void;
  private readonly pages = new Map<string, Page>();
  private readonly loading = new Set<string>();
  private used = new Set<string>();
  private turn = 0;

  constructor(fetch: FetchRows, arrived: () => void) {
    this.fetch = fetch;
    this.arrived = arrived;
  }

  /** The row at a place of a notebook's list; where it is not there yet it is fetched, and `arrived` is called. */
  row(notebook: string | null, index: number): Row | undefined {
    const number = Math.floor(index / PAGE);
    const key = keyOf(notebook, number);
    this.used.add(key);
    const page = this.pages.get(key);
    if (page === undefined) {
      void this.load(notebook, number);
    }
    return page?.rows[index % PAGE];
  }

  /** Say that drawing begins: the pages it asks for are the ones that count as on show. */
  beginDrawing(): void {
    this.used = new Set();
  }

  /** Other records match now: nothing of before may be shown. */
  clear(): void {
    this.turn += 1;
    this.pages.clear();
    this.loading.clear();
  }

  /** The same records were asked for again: fetch what is on show. True when all of it came. */
  async renew(): Promise<boolean> {
    this.turn += 1;
    this.loading.clear();
    for (const key of [...this.pages.keys()]) {
      if (!this.used.has(key)) {
        this.pages.delete(key);
      }
    }
    const done = await Promise.all([...this.pages.values()].map(page => this.load(page.notebook, page.number, true)));
    return done.every(one => one);
  }

  private async load(notebook: string | null, number: number, quiet = false): Promise<boolean> {
    const key = keyOf(notebook, number);
    if (this.loading.has(key)) {
      return true;
    }
    this.loading.add(key);
    const turn = this.turn;
    const rows = await this.fetch(notebook, PAGE, number * PAGE);
    if (turn !== this.turn) {
      return true;
    }
    if (rows === null) {
      // Left as loading: the next look at the history begins anew, a page that fails is not asked for at every scroll.
      return false;
    }
    this.loading.delete(key);
    this.pages.set(key, { notebook, number, rows });
    if (!quiet) {
      this.arrived();
    }
    return true;
  }
}

function keyOf(notebook: string | null, number: number): string {
  return `${number}\0${notebook ?? ''}\0${notebook === null ? 'none' : ''}`;
}

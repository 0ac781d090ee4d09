/** What is seen of a content within the element that scrolls it; pixels from the content's beginning. */

/** Used where the page has no layout. */
const SEEN = 800;

export class Viewport {
  private readonly scroller: HTMLElement;
  private readonly content: HTMLElement;

  constructor(scroller: HTMLElement, content: HTMLElement) {
    this.scroller = scroller;
    this.content = content;
  }

  /** How far the content is scrolled past the upper edge; negative while something stands above it. */
  get top(): number {
    return this.scroller.getBoundingClientRect().top - this.content.getBoundingClientRect().top;
  }

  get height(): number {
    return this.scroller.clientHeight || SEEN;
  }

  scrollBy(distance: number): void {
    this.scroller.scrollTop += distance;
  }

  /** Scroll as far as it takes to see a stretch. */
  reveal(top: number, height: number): void {
    const from = this.top;
    const to = from + this.height;
    if (top < from) {
      this.scrollBy(top - from);
    } else if (top + height > to) {
      this.scrollBy(top + height - to);
    }
  }
}

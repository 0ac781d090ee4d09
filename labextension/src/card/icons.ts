/** The drawings of the card: 16 units square, in the colour of the text around them. */

const SVG = 'http://www.w3.org/2000/svg';

type Stroke = [path: string, width: number, extra?: Record<string, string>];

interface Drawing {
  fill?: string[];
  stroke?: Stroke[];
  /** Strokes in the colour of the background, over what is filled. */
  cut?: Stroke[];
}

const SQUARE =
  'M3.3 1.8h9.4a1.5 1.5 0 0 1 1.5 1.5v9.4a1.5 1.5 0 0 1-1.5 1.5H3.3a1.5 1.5 0 0 1-1.5-1.5V3.3a1.5 1.5 0 0 1 1.5-1.5z';
const DIAMOND = 'M8 1.2 14.8 8 8 14.8 1.2 8Z';
const ROUND = { 'stroke-linejoin': 'round' };

const DRAWINGS = {
  chevron: { stroke: [['m6 3.5 4.5 4.5L6 12.5', 1.7]] },
  danger: {
    fill: ['M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z'],
    cut: [['M8 4.2v4.6M8 10.6v1.5', 1.8]]
  },
  find: {
    stroke: [
      ['M7 2.3a4.7 4.7 0 1 0 0 9.4 4.7 4.7 0 0 0 0-9.4', 1.5],
      ['m10.5 10.5 3.7 3.7', 1.6]
    ]
  },
  forbid: {
    fill: ['M3.4 7h9.2a1.2 1.2 0 0 1 1.2 1.2v5.4a1.2 1.2 0 0 1-1.2 1.2H3.4a1.2 1.2 0 0 1-1.2-1.2V8.2A1.2 1.2 0 0 1 3.4 7z'],
    stroke: [['M4.8 7V4.7a3.2 3.2 0 0 1 6.4 0V7', 1.6]],
    cut: [['M5.2 10.9h5.6', 1.6]]
  },
  diff: {
    stroke: [
      [DIAMOND, 1.5, ROUND],
      ['M5.7 6.6h4.6M8 4.3v4.6M5.7 11h4.6', 1.5]
    ]
  },
  gone: { stroke: [[SQUARE, 1.5, { 'stroke-dasharray': '2.4 1.8' }]] },
  kept: {
    stroke: [
      [SQUARE, 1.5],
      ['M4.8 8h6.4', 1.8]
    ]
  },
  mark: { fill: ['M4 2.5 13 8l-9 5.5z'] },
  plug: {
    stroke: [
      ['M2.5 2.5h11v4.5h-11zM2.5 9h11v4.5h-11z', 1.4],
      ['M14.5 1 1.5 15', 1.5]
    ]
  },
  ran: { stroke: [[SQUARE, 1.5]], fill: ['M6.2 5v6l4.8-3z'] },
  redo: { stroke: [['M13.3 8a5.3 5.3 0 1 1-1.6-3.8M12.3 1.5v3h-3', 1.5]] },
  remote: {
    stroke: [
      [DIAMOND, 1.5, ROUND],
      ['M8 4.6v6M5.6 8.4 8 10.8l2.4-2.4', 1.5]
    ]
  },
  runs: { stroke: [[DIAMOND, 1.5, ROUND]], fill: ['M6.5 5.2 10.8 8l-4.3 2.8z'] },
  ok: {
    stroke: [
      [SQUARE, 1.5],
      ['m4.8 8.2 2.2 2.2 4.2-4.6', 1.6]
    ]
  },
  save: { stroke: [['M8 1.8v8M4.8 6.8 8 10l3.2-3.2M2 11v3.2h12V11', 1.5]] },
  turning: {
    stroke: [
      ['M8 1.6a6.4 6.4 0 1 0 0 12.8A6.4 6.4 0 0 0 8 1.6', 1.8, { stroke: 'var(--mg-line)' }],
      ['M8 1.6A6.4 6.4 0 0 1 14.4 8', 1.8]
    ]
  },
  unseen: {
    stroke: [
      ['M8 1.4a6.6 6.6 0 1 0 0 13.2A6.6 6.6 0 0 0 8 1.4', 1.5, { 'stroke-dasharray': '2.6 1.9' }],
      ['M6 6.3a2 2 0 1 1 2.9 1.8c-.6.3-.9.6-.9 1.3M8 11v1.2', 1.4]
    ]
  }
} satisfies Record<string, Drawing>;

export type IconName = keyof typeof DRAWINGS;

/** Draw an icon; it is decoration, the words beside it say the same. */
export function icon(name: IconName, className = ''): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  if (className !== '') {
    svg.setAttribute('class', className);
  }
  const drawing: Drawing = DRAWINGS[name];
  for (const path of drawing.fill ?? []) {
    svg.append(shape({ d: path, fill: 'currentColor' }));
  }
  for (const [path, width, extra] of drawing.stroke ?? []) {
    svg.append(shape({ d: path, fill: 'none', stroke: 'currentColor', 'stroke-width': String(width), ...extra }));
  }
  for (const [path, width] of drawing.cut ?? []) {
    svg.append(shape({ d: path, fill: 'none', stroke: 'var(--mg-bg)', 'stroke-width': String(width) }));
  }
  return svg;
}

function shape(attributes: Record<string, string>): SVGPathElement {
  const path = document.createElementNS(SVG, 'path');
  for (const [name, value] of Object.entries(attributes)) {
    path.setAttribute(name, value);
  }
  return path;
}

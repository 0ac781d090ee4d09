/** The card as plain text, to paste into a message. */

import { titleText } from './head';
import { plain } from './text';
import type { CardView } from './view';

export function report(view: CardView, receipt: string): string {
  const lines = [
    `modelguard #${view.id}: ${titleText(view)}`,
    [view.object, view.call, view.place]
      .filter(part => part !== '')
      .map(part => plain(part))
      .join(' · '),
    plain(view.would),
    ...view.rule.map(fact => `  ${plain(fact.label)}: ${plain(fact.text)}`),
    ...view.calls.map(
      call => `  ${plain(call.name, { name: true })}${call.count > 0 ? ` ×${call.count}` : ''}  ${plain(call.note)}`
    ),
    ...view.missed.map(part => `  ${plain(part)}`),
    ...view.facts.map(fact => `${plain(fact.label)}: ${plain(fact.text)}`),
    plain(receipt)
  ];
  return lines.filter(line => line !== '').join('\n');
}

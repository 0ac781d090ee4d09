import { afterEach, expect, test, vi } from 'vitest';

import { NEW_CELL } from '../src/card/newCellEvent';
import type { CardState } from '../src/card/model';
import widget from '../src/card/widget';
import { FakeModel, Shown, viewWith } from './card.fixture';

afterEach(() => {
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

const DENY = { token: 'a-token', decision: 'deny' };

test('the card says that somebody can answer before it is drawn', () => {
  const model = new FakeModel('');
  widget.initialize({ model });
  expect(model.sent).toEqual([{ ready: 'a-token' }]);
});

test('nothing is decided by drawing the card', () => {
  expect(new Shown().model.sent).toEqual([]);
});

test('the title is said once, as one alert', () => {
  const shown = new Shown();
  const alerts = shown.host.querySelectorAll('[role=alert]');
  expect(Array.from(alerts, one => one.textContent)).toEqual(['Stopped before loading · can run code on this machine']);
});

test('the card is a labelled group that keeps the notebook from reading its keys', () => {
  const section = new Shown().host.querySelector('section');
  expect(section?.getAttribute('role')).toBe('group');
  expect(section?.hasAttribute('data-lm-suppress-shortcuts')).toBe(true);
  const parts = section?.getAttribute('aria-labelledby')?.split(' ') ?? [];
  expect(parts.map(id => document.getElementById(id)?.textContent)).toEqual([
    'Stopped before loading · can run code on this machine',
    'yolo.pt',
    '#7f3a91c2'
  ]);
});

test('whatever can have the focus keeps the notebook from reading its keys', () => {
  const shown = new Shown(
    viewWith({
      level: 'dangerous',
      confirm: ['os.system'],
      safer: [{ label: 'Another way', code: 'x', note: '', before: '', cell: '' }]
    })
  );
  for (const opener of shown.host.querySelectorAll<HTMLElement>('[aria-expanded]')) {
    opener.click();
  }
  const focusable = shown.host.querySelectorAll('button, input, select, [tabindex]');
  expect(focusable.length).toBeGreaterThan(10);
  for (const one of focusable) {
    expect(one.hasAttribute('data-lm-suppress-shortcuts'), one.textContent).toBe(true);
  }
});

test('no button is the default of a form', () => {
  const shown = new Shown(
    viewWith({ safer: [{ label: 'Take only the weights', code: 'x', note: '', before: '', cell: '' }], confirm: ['os.system'] })
  );
  expect(shown.host.querySelector('form')).toBeNull();
  for (const button of shown.host.querySelectorAll('button')) {
    expect(button.type).toBe('button');
    expect(button.autofocus).toBe(false);
  }
});

test('keep blocked sends one decision, whatever is pressed after it', () => {
  const shown = new Shown();
  shown.button('Keep blocked').click();
  shown.button('Keep blocked').click();
  shown.press('Escape');
  expect(shown.model.sent).toEqual([DENY]);
});

test('Escape inside the card keeps the load blocked', () => {
  const shown = new Shown();
  shown.press('Escape');
  expect(shown.model.sent).toEqual([DENY]);
});

test.each(['Enter', ' ', 'y', 'a'])('the key %o decides nothing', key => {
  const shown = new Shown();
  shown.press(key);
  expect(shown.model.sent).toEqual([]);
});

test('"once" is chosen beforehand, wherever it stands in the list, and no reason is', () => {
  const shown = new Shown();
  const checked = Array.from(shown.host.querySelectorAll<HTMLInputElement>('input:checked'), input => input.value);
  expect(checked).toEqual(['once']);
});

test('the running button waits for a reason', () => {
  const shown = new Shown();
  const run = shown.button('Run 2 unknown functions once');
  run.click();
  expect(shown.model.sent).toEqual([]);
  expect(run.getAttribute('aria-disabled')).toBe('true');
  expect(shown.text).toContain('Give a reason first.');
  shown.choose('I made this file');
  expect(run.hasAttribute('aria-disabled')).toBe(false);
  run.click();
  expect(shown.model.sent).toEqual([
    { token: 'a-token', decision: 'allow', reason: 'I made this file', scope: 'once', finding: '' }
  ]);
});

test('the running button is named by the scope that is chosen', () => {
  const shown = new Shown();
  shown.choose('I made this file');
  shown.choose('This exact file');
  shown.button('Run 2 and remember').click();
  expect(shown.model.sent).toMatchObject([{ scope: 'digest' }]);
});

test('a scope that is not offered cannot be chosen', () => {
  const shown = new Shown(
    viewWith({ scopes: [{ value: 'once', label: 'Once', button: 'Run once', hint: 'Not offered: why.', enabled: false }] })
  );
  shown.choose('I made this file');
  shown.choose('Once');
  shown.button('Run it').click();
  expect(shown.model.sent).toEqual([]);
  expect(shown.text).toContain('Not offered: why.');
});

test('a dangerous file wants its finding typed', () => {
  const shown = new Shown(viewWith({ level: 'dangerous', confirm: ['os.system'] }));
  const run = shown.button('Run 2 unknown functions once');
  expect(shown.text).toContain('Give a reason first. Type the finding first.');
  shown.choose('I made this file');
  expect(shown.text).toContain('Type the finding first.');
  shown.type('os.systemd');
  run.click();
  expect(shown.model.sent).toEqual([]);
  shown.type(' OS.System ');
  run.click();
  expect(shown.model.sent).toMatchObject([{ decision: 'allow', finding: 'os.system' }]);
});

test('a finding with letters that only look Latin is typed as it is drawn, and not as it looks', () => {
  const shown = new Shown(viewWith({ level: 'dangerous', confirm: ['\u043es.system'] }));
  shown.choose('I made this file');
  shown.type('os.system');
  shown.button('Run 2 unknown functions once').click();
  expect(shown.model.sent).toEqual([]);
  shown.type('\\u043es.system');
  shown.button('Run 2 unknown functions once').click();
  expect(shown.model.sent).toMatchObject([{ finding: '\u043es.system' }]);
});

test('the finding can be picked from a list by people who cannot type it', () => {
  const shown = new Shown(viewWith({ level: 'dangerous', confirm: ['os.system', 'posix.system'] }));
  shown.choose('I made this file');
  shown.button('Pick it from a list instead').click();
  const list = shown.host.querySelector('select');
  expect(list?.value).toBe('');
  if (list !== null) {
    list.value = '1';
    list.dispatchEvent(new Event('input', { bubbles: true }));
  }
  shown.button('Run 2 unknown functions once').click();
  expect(shown.model.sent).toMatchObject([{ finding: 'posix.system' }]);
});

test('a policy that forbids leaves no way on', () => {
  const rule = [
    { label: 'Reason', text: 'Use safetensors.' },
    { label: 'Written in', text: '/etc/modelguard/policy.toml, line 14' }
  ];
  const shown = new Shown(
    viewWith({ level: 'forbidden', title: 'Blocked by policy: a-rule', consequence: '', scopes: [], calls: [], rule })
  );
  expect(shown.host.querySelector('.mg-would')?.textContent).toContain('ReasonUse safetensors.');
  expect(shown.host.querySelector('.mg-would')?.textContent).toContain('Written in/etc/modelguard/policy.toml, line 14');
  expect(shown.text).toContain('No answer here can allow it');
  expect(shown.text).not.toContain('anyway');
  expect(shown.host.querySelector('.mg-btn--run')).toBeNull();
  expect(shown.button('Copy a request with this finding')).toBeTruthy();
});

test('a safer way shows the call to write instead, and keeps this load blocked', async () => {
  const way = { label: 'Take only the weights', code: 'torch.load(p, weights_only=True)', note: '', before: '', cell: '' };
  const shown = new Shown(viewWith({ safer: [way] }));
  expect(shown.text).not.toContain('No safer version found.');
  shown.button('Take only the weights').click();
  expect(shown.text).toContain('torch.load(p, weights_only=True)');
  expect(shown.model.sent).toEqual([]);
  expect(shown.text).not.toContain('new cell');
  vi.stubGlobal('navigator', { clipboard: { writeText: () => Promise.resolve() } });
  shown.button('Copy it and keep this load blocked').click();
  await vi.waitFor(() => {
    expect(shown.model.sent).toEqual([{ ...DENY, instead: 'Take only the weights' }]);
  });
});

const REWRITTEN = {
  label: 'Take only the weights',
  note: '2 tensors',
  before: 'model = torch.load(p)',
  code: 'model = take_weights(p)',
  cell: 'p = "a.pt"\nmodel = take_weights(p)'
};

test('a rewritten cell is shown line by line, and goes to whoever draws the notebook when it is pressed for', async () => {
  const shown = new Shown(viewWith({ safer: [REWRITTEN] }));
  const asked: unknown[] = [];
  shown.host.addEventListener(NEW_CELL, event => {
    asked.push((event as CustomEvent<unknown>).detail);
    event.preventDefault();
  });
  shown.button('Take only the weights').click();
  const lines = Array.from(shown.host.querySelectorAll('.mg-ln'), one => one.textContent);
  expect(lines).toEqual(['−as it is: model = torch.load(p)', '+as it would be: model = take_weights(p)']);
  expect(asked).toEqual([]);
  shown.button('Put it in a new cell and keep this load blocked').click();
  expect(asked).toEqual([{ source: REWRITTEN.cell }]);
  await vi.waitFor(() => {
    expect(shown.model.sent).toEqual([{ ...DENY, instead: 'Take only the weights' }]);
  });
});

test('where nobody takes the cell in, nothing is decided and the code can still be copied', async () => {
  const shown = new Shown(viewWith({ safer: [REWRITTEN] }));
  shown.button('Take only the weights').click();
  shown.button('Put it in a new cell and keep this load blocked').click();
  await vi.waitFor(() => {
    expect(shown.text).toContain('There is no notebook to put it in');
  });
  expect(shown.model.sent).toEqual([]);
  const wrote: string[] = [];
  vi.stubGlobal('navigator', { clipboard: { writeText: (text: string) => Promise.resolve(wrote.push(text)) } });
  shown.button('Copy it and keep this load blocked').click();
  await vi.waitFor(() => {
    expect(wrote).toEqual([REWRITTEN.cell]);
  });
});

test('that there is no safer way is said only where somebody looked', () => {
  expect(new Shown().text).not.toContain('No safer version found.');
  expect(new Shown(viewWith({ sought: true })).text).toContain('No safer version found.');
});

test('what the guard cannot see is one press away', () => {
  const shown = new Shown();
  const opener = shown.button('What this cannot see');
  const limits = document.getElementById(opener.getAttribute('aria-controls') ?? '');
  expect(limits?.hidden).toBe(true);
  opener.click();
  expect(limits?.hidden).toBe(false);
  expect(limits?.textContent).toBe('Native code.');
});

test('show what it does comes before run it anyway, and holds listing, calls and opcodes', () => {
  const shown = new Shown();
  const buttons = Array.from(shown.host.querySelectorAll('button'), one => one.textContent);
  expect(buttons.indexOf('Show what it does')).toBeLessThan(buttons.indexOf('Run it anyway…'));
  shown.button('Show what it does').click();
  expect(shown.text).toContain('flagged: ');
  expect(shown.text).toContain('Every call it makes');
  expect(shown.text).toContain('PROTO');
});

test('a part that was not checked is named in the box', () => {
  const shown = new Shown(
    viewWith({ level: 'uninspected', calls: [], missed: ['data/extra.bin: compressed in a way this Python lacks'] })
  );
  expect(shown.host.querySelector('.mg-would')?.textContent).toContain('data/extra.bin');
  expect(shown.button('Load it anyway…')).toBeTruthy();
});

test('while the kernel decides nothing can be pressed', () => {
  const shown = new Shown();
  shown.choose('I made this file');
  shown.model.put('state', 'deciding');
  shown.button('Run 2 unknown functions once').click();
  shown.button('Keep blocked').click();
  shown.press('Escape');
  expect(shown.model.sent).toEqual([]);
});

test('a card that is first drawn while the kernel decides cannot decide again', () => {
  const shown = new Shown(viewWith({}), 'deciding');
  shown.button('Keep blocked').click();
  expect(shown.model.sent).toEqual([]);
});

test('a load that is asked about again can be answered again', () => {
  const shown = new Shown();
  shown.button('Keep blocked').click();
  shown.model.put('state', 'deciding');
  shown.model.put('state', 'stopped');
  shown.button('Keep blocked').click();
  expect(shown.model.sent).toEqual([DENY, DENY]);
});

test('a receipt that comes before its state does not open the card again', () => {
  const shown = new Shown();
  shown.button('Keep blocked').click();
  shown.model.put('receipt', 'yolo.pt kept blocked by ada');
  shown.button('Keep blocked').click();
  expect(shown.model.sent).toEqual([DENY]);
  shown.model.put('state', 'denied');
  expect(shown.text).toContain('kept blocked by ada');
});

test('a receipt that comes after its state is shown', () => {
  const shown = new Shown(viewWith({}), 'denied');
  shown.model.put('receipt', 'yolo.pt kept blocked by ada');
  expect(shown.text).toContain('kept blocked by ada');
});

test('checking can be stopped and offers no way on', () => {
  const shown = new Shown(viewWith({}), 'checking');
  expect(shown.text).toContain('Nothing has been loaded yet.');
  expect(shown.host.querySelector('.mg-btn--run')).toBeNull();
  shown.button('Stop and keep blocked').click();
  expect(shown.model.sent).toEqual([DENY]);
});

test('afterwards one line stays, with the icon drawn and not written', () => {
  const shown = new Shown(viewWith({}), 'receipt', '▣ modelguard · yolo.pt ran 2 unknown functions · #7f3a');
  expect(shown.text).toBe('modelguard · yolo.pt ran 2 unknown functions · #7f3a');
});

test.each<CardState>(['receipt', 'denied', 'stale', 'abandoned'])('the line of a card that is %s does nothing', state => {
  const shown = new Shown(viewWith({}), state);
  for (const button of shown.host.querySelectorAll('button')) {
    button.click();
  }
  shown.press('Escape');
  expect(shown.model.sent).toEqual([]);
  expect(shown.host.querySelector('.mg-btn--run')).toBeNull();
});

test('a card in a saved notebook without a kernel is an undecided line that does nothing', () => {
  const host = document.createElement('div');
  host.className = 'jupyter-widgets-disconnected';
  const model = new FakeModel(viewWith({}));
  widget.render({ model, el: host });
  expect(host.textContent).toContain('yolo.pt not decided');
  host.querySelector('button')?.click();
  expect(model.sent).toEqual([]);
});

test('a kernel that goes away takes the buttons with it', async () => {
  const shown = new Shown();
  shown.host.classList.add('jupyter-widgets-disconnected');
  await Promise.resolve();
  expect(shown.host.querySelector('section')).toBeNull();
});

test.each(['', 'not json', '{}', '{"id":"1","level":"harmless"}', '[]'])(
  'a view that cannot be read (%s) can only be kept blocked',
  view => {
    const shown = new Shown(view);
    expect(Array.from(shown.host.querySelectorAll('button'), one => one.textContent)).toEqual(['Keep blocked']);
    shown.button('Keep blocked').click();
    expect(shown.model.sent).toEqual([DENY]);
  }
);

test('a closed view no longer listens', () => {
  const shown = new Shown();
  shown.close();
  const before = shown.text;
  shown.model.put('state', 'denied');
  expect(shown.text).toBe(before);
});

test('what the hub says comes below the other lines, as text, and closes nothing that is open', () => {
  const shown = new Shown();
  const opener = Array.from(shown.host.querySelectorAll<HTMLElement>('[aria-expanded]')).find(one =>
    one.textContent.includes('Run it anyway')
  );
  opener?.click();
  const reason = shown.host.querySelector<HTMLInputElement>('input[type=radio]');
  reason?.click();
  shown.model.put('late', [{ label: 'The hub says', text: '<b>3 likes\u202e' }, 'none', { label: 4 }]);
  const late = shown.host.querySelector('.mg-late[role=status]');
  expect(late?.querySelector('dd')?.textContent).toBe('<b>3 likes\\u202e');
  expect(late?.querySelector('b')).toBeNull();
  expect(opener?.getAttribute('aria-expanded')).toBe('true');
  expect(reason?.checked).toBe(true);
  expect(shown.model.sent).toEqual([]);
});

import { render } from 'preact';
import { act } from 'preact/test-utils';
import { beforeEach, describe, expect, test } from 'vitest';
import type { App } from '../../src/app';
import { AppContext } from '../../src/views/parts/context';
import { Body, type Mentions } from '../../src/views/timeline/Body';
import { settled } from '../doubles/manual_clock';
import { messageParts } from '../doubles/parts';
import attacks from '../formatting/attacks.json';
import { root } from './stage';

let parts: App;

beforeEach(() => {
  parts = messageParts();
});

/** Draws a body, and once more when the parts that it needs are loaded. */
async function show(text: string, mentions?: Mentions) {
  const view = (
    <AppContext.Provider value={parts}>
      <Body text={text} mentions={mentions} />
    </AppContext.Provider>
  );
  await act(async () => render(view, root));
  await loaded();
}

/** Emoji are asked for when the markup is read, so there are two turns. */
async function loaded() {
  for (let turn = 0; turn < 2; turn++) await act(settled);
}

const html = () => root.querySelector('.body')?.innerHTML;

describe('a message body', () => {
  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<svg onload=alert(1)>',
    '</textarea><b>bold</b>',
    '[x](javascript:alert(1))',
    '![x](data:image/svg+xml,<svg onload=alert(1)>)',
    '<javascript:alert(1)>',
    '&lt;b&gt;',
  ])('%s is text and nothing else', async (text) => {
    await show(text);
    expect(root.textContent).toBe(text);
    expect(root.querySelectorAll('.body *')).toHaveLength(0);
  });

  test.each(['see https://a.example/x.', '*see* https://a.example/x.'])(
    'a link in %s opens elsewhere and tells that place nothing',
    async (text) => {
      await show(text);
      const link = root.querySelector('a');
      expect(link?.getAttribute('href')).toBe('https://a.example/x');
      expect(link?.rel).toBe('noopener noreferrer nofollow');
      expect(link?.target).toBe('_blank');
      expect(root.textContent).toBe('see https://a.example/x.');
    },
  );

  test('a link to a place of this app opens in this window, and to other paths of the server elsewhere', async () => {
    const { origin } = window.location;
    await show(`${origin}/#/rooms/lobby/messages/3 and ${origin}/docs`);
    const targets = [...root.querySelectorAll('a')].map(({ target }) => target);
    expect(targets).toEqual(['', '_blank']);
  });

  test('is shown as it was written until the parser is loaded, and then once more', async () => {
    const view = (
      <AppContext.Provider value={parts}>
        <Body text="**bold** https://a.example/" />
      </AppContext.Provider>
    );
    act(() => render(view, root));
    expect(root.textContent).toBe('**bold** https://a.example/');
    expect(root.querySelector('a')?.href).toBe('https://a.example/');
    await loaded();
    expect(root.querySelector('strong')?.textContent).toBe('bold');
  });

  test('without markup loads nothing', async () => {
    let loads = 0;
    parts = {
      ...parts,
      formatter: {
        get value() {
          return void loads++;
        },
      },
    } as unknown as App;
    await show('No markup, not even in https://a.example/x?y=1.');
    expect(loads).toBe(0);
    await show('*some*');
    expect(loads).toBe(1);
  });

  test('of one text is read once', async () => {
    await show('*one*');
    const formatter = parts.formatter.value;
    expect(formatter?.blocks('*one*')).toBe(formatter?.blocks('*one*'));
    for (let count = 0; count < 700; count++) formatter?.blocks(`*${count}*`);
    expect(formatter?.blocks('*699*')).toBe(formatter?.blocks('*699*'));
  });

  test('draws every kind of block', async () => {
    await show(
      'one\n\n1. a\n3. b\n   - *c*\n> q\n\n|h|i|\n|:-|-:|\n|x|\n```sh\necho "hi" # x\n```',
    );
    root.querySelector('button')?.remove();
    expect(html()).toBe(
      [
        '<p dir="auto">one</p>',
        '<ol dir="auto"><li value="1">a</li><li value="3">b<ul><li><em>c</em></li></ul></li></ol>',
        '<blockquote dir="auto">q</blockquote>',
        '<div role="group" class="body-table" dir="auto" aria-label="Table" tabindex="0"><table>',
        '<thead><tr><th class="to-start">h</th><th class="to-end">i</th></tr></thead>',
        '<tbody><tr><td class="to-start">x</td></tr></tbody></table></div>',
        '<div class="code-block"><pre dir="ltr" data-language="sh"><code>',
        '<span class="code-keyword">echo</span> <span class="code-string">"hi"</span> ',
        '<span class="code-comment"># x</span></code></pre></div>',
      ].join(''),
    );
  });

  test.each([
    ['😀 🎉', true],
    [':tada:\n:+1:', true],
    ['👩‍💻👍🏽🇫🇮1️⃣❤️', true],
    ['🎉 done', false],
    [':nothing_like_it:', false],
    ['1 # *', false],
    ['©', false],
    ['🎉'.repeat(13), false],
  ])('%j is shown large: %s', async (text, large) => {
    await show(text);
    expect(root.querySelector('.few-emoji') !== null).toBe(large);
  });

  const BOB =
    '<a class="mention" title="@bob" href="#/rooms/lobby/people/bob-id" tabindex="-1">@<bdi>&lt;b&gt;Bob&lt;/b&gt;</bdi></a>';
  const NAMES = new Map([
    ['alice', { name: 'Alice A.', isMe: true, href: null }],
    ['bob', { name: '<b>Bob</b>', isMe: false, href: '#/rooms/lobby/people/bob-id' }],
  ]);

  test.each([
    ['@bob, hi', `${BOB}, hi`],
    ['hi @Alice.', 'hi <span class="mention mine" title="@Alice">@<bdi>Alice A.</bdi></span>.'],
    ['@bob.b-c and @bobb_', `${BOB}.b-c and @bobb_`],
    ['@bob._- (@bob)', `${BOB}._- (${BOB})`],
    ['@bobby a@bob.example `@bob`', '@bobby a@bob.example <code dir="auto">@bob</code>'],
    ['**@bob**', `<strong>${BOB}</strong>`],
  ])('%j shows whom it mentions', async (text, expected) => {
    await show(text, (name) => NAMES.get(name) ?? null);
    expect(html()).toBe(expected);
  });

  const TAGS =
    'a blockquote button code del div em li ol p path pre span strong svg table tbody td th thead tr ul';
  const ATTRIBUTES =
    'role aria-hidden aria-label class d data-language dir height href rel tabindex target title type value viewBox width';

  test.each(attacks.places)(
    '%j makes nothing but what is allowed, whatever stands in it',
    async (place) => {
      await show('*loaded*');
      for (const payload of attacks.payloads) {
        await show(place.replaceAll('{0}', payload));
        for (const element of root.querySelectorAll('.body *')) {
          expect(TAGS.split(' ')).toContain(element.localName);
          for (const name of element.getAttributeNames())
            expect(ATTRIBUTES.split(' ')).toContain(name);
          if (element.localName === 'a')
            expect(element.getAttribute('href')).toMatch(/^(https?:\/\/[^/@]+\/|mailto:)/);
        }
      }
    },
  );

  test('a copy button gives the code as it was written', async () => {
    const copied: string[] = [];
    const writeText = async (text: string) => void copied.push(text);
    Object.defineProperty(navigator, 'clipboard', { value: { writeText }, configurable: true });
    await show('```js\nconst a = "`*b*`";\n\n\treturn\n```');
    await act(async () => root.querySelector('button')?.click());
    await loaded();
    expect(copied).toEqual(['const a = "`*b*`";\n\n\treturn']);
    expect(root.querySelector('button')?.title).toBe('Copied');
  });
});

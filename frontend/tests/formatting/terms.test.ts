import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Span, spansOf } from '../../src/formatting/terms';

interface Case {
  text: string;
  terms: string[];
  /** What is marked; with `isFound` alone it is only known whether anything is. */
  marked?: string[];
  isFound?: boolean;
}

const CASES: Case[] = [
  { text: 'Green tea, and GREEN beans', terms: ['green'], marked: ['Green', 'GREEN'] },
  { text: 'a steam train', terms: ['tea'], marked: [] },
  { text: 'gardener in the garden', terms: ['gard*'], marked: ['gardener', 'garden'] },
  { text: 'green tea, tea green', terms: ['green tea'], marked: ['green tea'] },
  { text: 'green, tea', terms: ['green te*'], marked: ['green, tea'] },
  { text: 'Grüße aus der Straße', terms: ['grusse', 'strasse'], marked: ['Grüße', 'Straße'] },
  { text: 'cafe\u0301s and cafés', terms: ['cafes'], marked: ['cafe\u0301s', 'cafés'] },
  { text: 'ＦＵＬＬ width', terms: ['full'], marked: ['ＦＵＬＬ'] },
  { text: 'see https://a.example/b-c', terms: ['a example b c'], marked: ['a.example/b-c'] },
  { text: '我在东京都住', terms: ['东京'], marked: ['东京'] },
  { text: 'ガラスのカップ', terms: ['ガラス'], marked: ['ガラス'] },
  { text: 'か\u3099らす', terms: ['がら'], marked: ['か\u3099ら'] },
  { text: '서울에서', terms: ['서울'], marked: ['서울'] },
  { text: 'на Ёлке', terms: ['елке'], marked: ['Ёлке'] },
  { text: 'מִלָּה', terms: ['מלה'], marked: ['מִלָּה'] },
  { text: 'room ٤٢', terms: ['42'], marked: ['٤٢'] },
  { text: 'हिन्दी में', terms: ['हिन्दी'], marked: ['हिन्दी'] },
  { text: 'ship it 🚢!', terms: ['🚢'], marked: ['🚢'] },
  { text: 'so\u00adft', terms: ['soft'], marked: ['so\u00adft'] },
  { text: 'new new york', terms: ['new york', 'new'], marked: ['new', 'new york'] },
  { text: 'nothing', terms: ['', '*', '…'], marked: [] },
  { text: '', terms: ['tea'], marked: [] },
];

const path = process.env.TAILWIRE_TERMS_CASES;
const cases: Case[] = path ? JSON.parse(readFileSync(path, 'utf8')) : CASES;

function texts(text: string, spans: readonly Span[]): string[] {
  return spans.map(([from, to]) => text.slice(from, to));
}

test.each(cases)('in “$text” $terms are found as the server finds them', (one) => {
  const spans = spansOf(one.text, one.terms);
  if (one.marked) expect(texts(one.text, spans)).toEqual(one.marked);
  else expect(spans.length > 0).toBe(one.isFound);
});

test('a long text costs no time', () => {
  const text = 'a'.repeat(2_000) + ' あ'.repeat(1_000);
  const begun = performance.now();
  spansOf(text, Array(8).fill('aa b*'));
  expect(performance.now() - begun).toBeLessThan(1_000);
});

import { excerptOf } from '../../browser/text';
import { mayHoldMarkup } from '../../formatting/markup';
import { useApp } from '../parts/context';

// Marks may take much of a text, and more is not worth the time.
const PARSED_CHARACTERS = 1_000;

/**
 * The beginning of a message in one line, without its marks. Until the parser is loaded it is shown as
 * it was written. A message without a text has files.
 */
export function Excerpt({ text }: { text: string }) {
  const { formatter, emoji } = useApp();
  const named = (name: string) => emoji.value?.named(name) ?? null;
  const start = text.slice(0, PARSED_CHARACTERS);
  const plain = mayHoldMarkup(start) ? formatter.value?.plain(start, named) : null;
  return <>{text ? excerptOf(plain ?? start) : 'A file'}</>;
}

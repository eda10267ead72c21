import { excerptOf } from '../../browser/text';
import { mayHoldMarkup } from '../../formatting/markup';
import { useApp } from '../parts/context';

/**
 * The beginning of a message in one line, without its marks. Until the parser is loaded it is shown as
 * it was written.
 */
export function Excerpt({ text }: { text: string }) {
  const { formatter, emoji } = useApp();
  const named = (name: string) => emoji.value?.named(name) ?? null;
  const plain = mayHoldMarkup(text) ? formatter.value?.plain(text, named) : null;
  return <>{excerptOf(plain ?? text)}</>;
}

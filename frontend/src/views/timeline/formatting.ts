import { replaceText } from '../../browser/field';
import { type Mark, markOf } from '../../formatting/marks';

/** Formats what is selected in a field. */
export function format(field: HTMLTextAreaElement, mark: Mark): void {
  const { value, selectionStart, selectionEnd } = field;
  replaceText(field, mark.edit({ text: value, start: selectionStart, end: selectionEnd }));
}

/** Formats what is selected where the keys are those of a mark. Returns whether they are. */
export function formatsBy(event: KeyboardEvent, field: HTMLTextAreaElement | null): boolean {
  const isControl = (event.ctrlKey || event.metaKey) && !event.altKey;
  const mark = isControl ? markOf(event) : undefined;
  if (!field || !mark) return false;
  format(field, mark);
  return true;
}

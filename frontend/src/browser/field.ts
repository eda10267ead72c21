/** A field in which text is written. */
export type TextField = HTMLTextAreaElement | HTMLInputElement;

/**
 * Puts `text` in the place of what is selected, as if the user had typed it: Ctrl+Z takes it back.
 * Gives the field the focus.
 */
export function insertText(field: TextField, text: string): void {
  field.focus();
  // The only way that a browser can undo. It is old, but all of them have it.
  const { execCommand } = document as Partial<Document>;
  if (execCommand?.call(document, text === '' ? 'delete' : 'insertText', false, text)) return;
  field.setRangeText(text, field.selectionStart ?? 0, field.selectionEnd ?? 0, 'end');
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

/** Replaces a stretch of the text as `insertText` does, and then selects from `start` to `end`. */
export function replaceText(
  field: TextField,
  {
    from,
    to,
    text,
    start,
    end,
  }: { from: number; to: number; text: string; start: number; end: number },
): void {
  field.setSelectionRange(from, to);
  insertText(field, text);
  field.setSelectionRange(start, end);
}

import { splitLinks } from '../../browser/text';

/** A message's text: DOM text and, for web addresses, links. Never markup. */
export function Body({ text }: { text: string }) {
  return (
    <div class="body" dir="auto">
      {splitLinks(text).map((part, index) =>
        part.href ? (
          <a key={index} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
            {part.text}
          </a>
        ) : (
          part.text
        ),
      )}
    </div>
  );
}

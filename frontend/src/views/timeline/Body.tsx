import { splitLinks } from '../../browser/text';

/** The text of a message, as DOM text and links. It is never parsed as HTML. */
export function Body({ text }: { text: string }) {
  return (
    <div class="body" dir="auto">
      {splitLinks(text).map((part, index) =>
        part.href ? (
          // The direction of an address is its own, or right-to-left text would tear it apart.
          <a
            key={index}
            href={part.href}
            dir="ltr"
            tabIndex={-1}
            target="_blank"
            rel="noopener noreferrer nofollow"
          >
            {part.text}
          </a>
        ) : (
          part.text
        ),
      )}
    </div>
  );
}

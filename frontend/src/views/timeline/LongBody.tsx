import { useId, useState } from 'preact/hooks';
import { Body, type Mentions } from './Body';

// A message longer than this fills a screen, so that its end is folded away.
const MOST_CHARACTERS = 1_500;
const MOST_LINES = 24;

/** The text of a message. A long one is folded until the reader wants all of it. */
export function LongBody({ text, mentions }: { text: string; mentions?: Mentions | undefined }) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  if (!isLong(text)) return <Body text={text} mentions={mentions} />;
  return (
    <>
      <div id={id} class={isOpen ? undefined : 'folded'}>
        <Body text={text} mentions={mentions} />
      </div>
      <button
        type="button"
        class="link-button fold"
        tabIndex={-1}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? 'Show less' : 'Show all of it'}
      </button>
    </>
  );
}

function isLong(text: string): boolean {
  return text.length > MOST_CHARACTERS || text.split('\n', MOST_LINES + 1).length > MOST_LINES;
}

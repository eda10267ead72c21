import { options } from 'preact';

/** What Preact notes of what is drawn, by the short names that it has in every build of Preact. */
interface Drawn {
  props?: { children?: unknown };
  /** The drawing around it. */
  __?: Drawn | null;
  /** Its index there. */
  __i?: number;
  /** A number that is the same for all drawings of one element or component. */
  __v?: number;
}

interface Hooks {
  /** Is called after a component has drawn itself anew, with its newest drawing. */
  __c?: (newest: Drawn, queue: unknown) => void;
}

/**
 * Lets what is around a component know of its newest drawing only.
 *
 * The props of an element hold the drawings of its children as they were when that element was drawn. A component that
 * draws itself anew is not replaced there. Rows that stay the same lead from the old drawing to later ones, so that a list
 * which is scrolled for long would keep in memory every row that it has taken out of the document.
 */
export function keepNewestDrawings(): void {
  const hooks = options as Hooks;
  const before = hooks.__c;
  hooks.__c = (newest, queue) => {
    replace(newest);
    before?.(newest, queue);
  };
}

function replace(newest: Drawn): void {
  const { __: around, __i: index = 0, __v: id } = newest;
  const props = around?.props;
  if (!props || id === undefined) return;
  const { children } = props;
  if (Array.isArray(children)) {
    if (children[index]?.__v === id) children[index] = newest;
  } else if ((children as Drawn | undefined)?.__v === id) props.children = newest;
}

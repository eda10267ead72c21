import { useId } from 'preact/hooks';
import type { SearchedList } from '../../wire/searched_list';

interface SearchFieldProps {
  label: string;
  placeholder: string;
  /** The most characters that a name has. */
  characters: number;
  initial?: string;
  /** Only screen readers are told the label. */
  bare?: boolean;
  list: Pick<SearchedList<unknown>, 'look'>;
}

/** Searches a list while somebody types, and at once with the Enter key. */
export function SearchField({ label, bare = false, list, ...field }: SearchFieldProps) {
  const id = useId();
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers of 2022 know no <search>
    <form
      role="search"
      class={bare ? undefined : 'field'}
      onSubmit={(event) => {
        event.preventDefault();
        list.look(String(new FormData(event.currentTarget).get('q') ?? ''), true);
      }}
    >
      <label for={id} class={bare ? 'visually-hidden' : undefined}>
        {label}
      </label>
      <input
        id={id}
        class="search"
        type="search"
        name="q"
        maxLength={field.characters}
        placeholder={field.placeholder}
        defaultValue={field.initial}
        onInput={(event) => list.look(event.currentTarget.value)}
      />
    </form>
  );
}

import { Icon } from './Icon';

interface ChosenListProps<Item extends { id: string }> {
  label: string;
  chosen: readonly Item[];
  nameOf(item: Item): string;
  onChange(left: Item[]): void;
}

/** What was picked so far. A press on one takes it out again. */
export function ChosenList<Item extends { id: string }>(props: ChosenListProps<Item>) {
  const { label, chosen, nameOf, onChange } = props;
  if (chosen.length === 0) return null;
  return (
    <ul class="chosen-people" aria-label={label}>
      {chosen.map((item) => (
        <li key={item.id}>
          <button
            type="button"
            class="chosen-person"
            aria-label={`Remove ${nameOf(item)}`}
            title="Remove"
            onClick={() => onChange(chosen.filter(({ id }) => id !== item.id))}
          >
            <bdi>{nameOf(item)}</bdi>
            <Icon name="close" size={16} />
          </button>
        </li>
      ))}
    </ul>
  );
}

import type { PagedList } from '../../wire/paged_list';

/** Loads the next page of a list, where it has one. */
export function MoreButton({ list, children }: { list: PagedList<unknown>; children: string }) {
  if (!list.hasMore.value) return null;
  const isLoading = list.state.value === 'loading';
  return (
    <button type="button" class="button" disabled={isLoading} onClick={() => void list.more()}>
      {isLoading ? 'Loading…' : children}
    </button>
  );
}

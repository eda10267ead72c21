import type { PagedList } from '../../wire/paged_list';
import { WorkButton } from './WorkButton';

/** Loads the next page of a list, where it has one. */
export function MoreButton({ list, children }: { list: PagedList<unknown>; children: string }) {
  if (!list.hasMore.value) return null;
  return (
    <WorkButton class="button" doing="Loading…" onPress={() => list.more()}>
      {children}
    </WorkButton>
  );
}

import type { PagedList } from '../../wire/paged_list';
import { WorkButton } from './WorkButton';

interface MoreButtonProps {
  list: Pick<PagedList<unknown>, 'hasMore' | 'more'>;
  children: string;
}

/** Loads the next page of a list, where it has one. */
export function MoreButton({ list, children }: MoreButtonProps) {
  if (!list.hasMore.value) return null;
  return (
    <WorkButton class="button" doing="Loading…" onPress={() => list.more()}>
      {children}
    </WorkButton>
  );
}

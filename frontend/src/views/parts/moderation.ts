import { useMemo } from 'preact/hooks';
import { Moderation } from '../../rooms/moderation';
import { useSession } from './context';

/** Made by the views that need it, so that it is no part of the first load. */
export function useModeration(): Moderation {
  const { requests } = useSession();
  return useMemo(() => new Moderation(requests), [requests]);
}

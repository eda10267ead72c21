import type { RefObject } from 'preact';
import { useApp } from '../parts/context';
import { loadMessageViews } from './load';

/** Handles a key of the field. Returns whether the key did something in the list. */
export type CompletionKeys = { current: ((event: KeyboardEvent) => boolean) | null };

interface CompletionPlaceProps {
  field: RefObject<HTMLTextAreaElement | null>;
  room_id: string;
  keys: CompletionKeys;
}

/** Where names and emoji are offered while somebody types. It is no part of the first load. */
export function CompletionPlace(props: CompletionPlaceProps) {
  const Completion = useApp().parts.of(loadMessageViews).loaded?.Completion;
  return Completion ? <Completion {...props} /> : null;
}

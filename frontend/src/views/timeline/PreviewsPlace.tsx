import { useApp } from '../parts/context';
import { loadMessageViews } from './load';
import type { PreviewsProps } from './Previews';

/** Where previews of links are shown. What shows them is no part of the first load. */
export function PreviewsPlace(props: PreviewsProps) {
  const Previews = useApp().parts.of(loadMessageViews).loaded?.Previews;
  return Previews ? <Previews {...props} /> : null;
}

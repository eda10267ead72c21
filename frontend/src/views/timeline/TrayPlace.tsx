import { useApp } from '../parts/context';
import type { TrayProps } from './FileTray';
import { loadMessageViews } from './load';

/** Where files are chosen, and those that wait are shown. It is no part of the first load. */
export function TrayPlace(props: TrayProps) {
  const FileTray = useApp().parts.of(loadMessageViews).loaded?.FileTray;
  return FileTray ? <FileTray {...props} /> : null;
}

import { useApp } from '../parts/context';
import type { FilesProps } from './Files';
import { loadMessageViews } from './load';

/** Where the files of a message are shown. What shows them is no part of the first load. */
export function FilesPlace(props: FilesProps) {
  const Files = useApp().parts.of(loadMessageViews).loaded?.Files;
  return Files ? <Files {...props} /> : null;
}

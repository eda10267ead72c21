import type { ReadonlySignal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import type { Outbox } from 'tailwire-client/rooms/outbox';
import { FilesApi } from 'tailwire-client/wire/api/files';
import type { Limits } from 'tailwire-client/wire/protocol';
import type { Requests } from 'tailwire-client/wire/requests';
import type { Tab } from '../browser/tab';
import { FileUrls } from './file_urls';
import { Uploads } from './uploads';
import { IndexedUploadsStore } from './uploads_store';

interface FilesOptions {
  user_id: string;
  requests: Requests;
  clock: Clock;
  tab: Tab;
  outbox: Outbox;
  makeRef(): string;
  limits: ReadonlySignal<Limits>;
  say(room_id: string, body: string, reply_to: number | null): void;
}

export type FileParts = ReturnType<typeof wireFiles>;

/** Makes the parts that send and show files. */
export function wireFiles({ requests, clock, outbox, tab, limits, ...options }: FilesOptions) {
  const api = new FilesApi(requests);
  const urls = new FileUrls(api, clock);
  const uploads = new Uploads({
    ...options,
    api,
    clock,
    // Older servers say nothing, and take no files.
    mostBytes: () => limits.peek().file_bytes ?? 0,
    store: new IndexedUploadsStore(tab),
    give: (command) => outbox.add(command),
  });
  void uploads.start();
  return {
    api,
    urls,
    uploads,
    stop() {
      urls.stop();
      uploads.stop();
    },
  };
}

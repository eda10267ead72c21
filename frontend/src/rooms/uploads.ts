import { batch, signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import type { Given } from 'tailwire-client/rooms/pending';
import type { FilesApi } from 'tailwire-client/wire/api/files';
import { jitter } from 'tailwire-client/wire/backoff';
import type { FileShown, UploadedFile } from 'tailwire-client/wire/files';
import { codeText, Problem, problemText } from 'tailwire-client/wire/problem';
import { sizeText } from '../browser/sizes';
import { leftUploads, newUpload } from './left_uploads';
import { OF_THE_FILE, type Parcel, type Upload } from './upload';
import type { KeptUpload, UploadsStore } from './uploads_store';

/** A message takes no more. */
export const MOST_FILES = 10;
/** What an alt text may have, in characters. */
export const MOST_ALT = 500;

const AT_ONCE = 3;
// What is smaller is sent in one request.
const SMALL_BYTES = 256 * 1024;
const LEAST_PART_BYTES = 256 * 1024;
const MOST_PART_BYTES = 8 * 1024 * 1024;
// A part is as large as what goes through in about this time, so that the progress is seen.
const PART_MILLISECONDS = 2_000;
// A part that takes longer than this is given up. What has arrived of it is kept.
const STUCK_MILLISECONDS = 60_000;

interface UploadsOptions {
  user_id: string;
  api: Pick<FilesApi, 'upload' | 'begin' | 'state' | 'part' | 'describe' | 'giveUp'>;
  clock: Clock;
  store: UploadsStore;
  makeRef(): string;
  /** The greatest size of a file, in bytes. */
  mostBytes(): number;
  /** Sends a message without files that wait. */
  say(room_id: string, body: string, reply_to: number | null): void;
  /** Gives a message to the outbox. */
  give(command: Given): void;
}

/**
 * The files that the user sends. Each goes up in parts as soon as it was chosen, several at once, and goes on where it
 * was after a break or a reload. A message that was sent waits here for its files, and then goes the way of all messages.
 */
export class Uploads {
  readonly items = signal<readonly Upload[]>([]);
  readonly parcels = signal<readonly Parcel[]>([]);
  /** What was refused when it was chosen, or cannot be kept beyond the page. */
  readonly notice = signal<string | null>(null);
  readonly #options: UploadsOptions;
  readonly #bytes = new Map<string, Blob>();
  readonly #running = new Map<string, AbortController>();
  readonly #delivering = new Set<string>();
  /** What failed, and is tried again a little later. */
  readonly #resting = new Set<string>();
  /** The files of messages that are on their way, by their ids. */
  readonly #shown = new Map<string, FileShown>();
  #cancelNext: () => void = () => {};
  #failures = 0;
  #stopped = false;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /** Goes on with what was left when the page ended. */
  async start(): Promise<void> {
    const { store, user_id } = this.#options;
    const kept = await store.restore(user_id);
    if (this.#stopped) return;
    // What was chosen and said in this page already may be kept, too.
    const isNew = ({ upload }: KeptUpload) => !this.#find(upload.id);
    const said = new Set(this.parcels.peek().map(({ ref }) => ref));
    const parcels = kept.parcels.filter(({ ref }) => !said.has(ref));
    const { uploads, done } = leftUploads(kept.uploads.filter(isNew), parcels);
    for (const id of done) store.delete(id);
    for (const { upload, bytes } of kept.uploads) if (bytes) this.#bytes.set(upload.id, bytes);
    batch(() => {
      this.items.value = [...uploads, ...this.items.peek()];
      this.parcels.value = [...parcels, ...this.parcels.peek()];
    });
    this.#go();
    for (const { ref } of parcels) void this.#deliver(ref);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelNext();
    for (const controller of this.#running.values()) controller.abort();
  }

  /** The user logs out. Nothing stays on this machine. */
  forget(): void {
    this.stop();
    this.items.value = [];
    this.parcels.value = [];
    this.#options.store.forget(this.#options.user_id);
  }

  /** The connection is there again. */
  again(): void {
    this.#failures = 0;
    this.#cancelNext();
    this.#wake();
  }

  /** The files of a draft. */
  in(draft: string): Upload[] {
    return this.items.value.filter((one) => one.draft === draft && one.ref === null);
  }

  /** The files of a message that waits for them. */
  of(ref: string): Upload[] {
    return this.items.value.filter((one) => one.ref === ref);
  }

  /** The files with these ids, as far as they were uploaded in this page. */
  shown(file_ids: readonly string[]): FileShown[] {
    return file_ids.flatMap((id) => this.#shown.get(id) ?? []);
  }

  /** Adds files to a draft, and begins to upload them. */
  add(room_id: string, draft: string, files: readonly File[]): void {
    const most = this.#options.mostBytes();
    const free = MOST_FILES - this.in(draft).length;
    const large = files.find(({ size }) => size > most);
    const fitting = files.filter(({ size }) => size <= most).slice(0, Math.max(0, free));
    this.notice.value = large
      ? `“${large.name}” is too large: ${sizeText(large.size)}, and this server takes up to ${sizeText(most)}.`
      : files.length > free
        ? `A message has ${MOST_FILES} files at most.`
        : null;
    const now = this.#options.clock.now();
    for (const [index, file] of fitting.entries()) {
      const id = this.#options.makeRef();
      this.#bytes.set(id, file);
      const { name, type, size } = file;
      const upload = {
        ...newUpload(id, room_id, draft),
        at: now + index,
        name: name || 'file',
        type,
        size,
      };
      this.items.value = [...this.items.peek(), upload];
      void this.#keep(upload, file);
    }
    this.#go();
  }

  /** Takes a file away, from a draft or from a message that waits. */
  remove(id: string): void {
    const upload = this.#find(id);
    if (!upload) return;
    this.#drop(upload);
    if (upload.file_id) void this.#options.api.giveUp(upload.file_id).catch(() => {});
    const parcel = this.parcels.peek().find(({ ref }) => ref === upload.ref);
    if (!parcel) return;
    const uploads = parcel.uploads.filter((one) => one !== id);
    if (uploads.length === 0 && parcel.body === '') {
      this.#dropParcel(parcel.ref);
      return;
    }
    const left = { ...parcel, uploads };
    this.parcels.value = this.parcels.peek().map((one) => (one === parcel ? left : one));
    this.#options.store.putParcel(this.#options.user_id, left);
    void this.#deliver(parcel.ref);
  }

  /** The bytes of an upload, while the page has them. */
  bytesOf(id: string): Blob | undefined {
    return this.#bytes.get(id);
  }

  retry(id: string): void {
    if (this.#find(id)?.state !== 'failed' || this.#find(id)?.refused) return;
    this.#change(id, { state: 'waiting', error: null });
    this.#go();
  }

  /** Says what a picture shows. */
  describe(id: string, alt: string): void {
    this.#change(id, { alt: [...alt].slice(0, MOST_ALT).join('') });
  }

  /** Sends a message with the files of its draft, as soon as they are there. Without files it is sent at once. */
  readonly say = (room_id: string, body: string, reply_to: number | null, draft: string): void => {
    const attached = this.in(draft);
    if (attached.length === 0) {
      this.#options.say(room_id, body, reply_to);
      return;
    }
    const uploads = attached.map(({ id }) => id);
    const parcel: Parcel = { ref: this.#options.makeRef(), room_id, body, reply_to, uploads };
    this.#options.store.putParcel(this.#options.user_id, parcel);
    batch(() => {
      this.parcels.value = [...this.parcels.peek(), parcel];
      for (const id of uploads) this.#change(id, { ref: parcel.ref });
      this.notice.value = null;
    });
    void this.#deliver(parcel.ref);
  };

  /** Gives a message to the outbox, when all its files are there. Its ref lets it be stored once, however often it is given. */
  async #deliver(ref: string): Promise<void> {
    if (this.#delivering.has(ref)) return;
    if (!this.#whole(ref)) return;
    this.#delivering.add(ref);
    try {
      for (const { id, file_id, alt, told_alt } of this.of(ref)) {
        if (!file_id || alt === told_alt) continue;
        await this.#options.api.describe(file_id, alt);
        this.#change(id, { told_alt: alt });
      }
    } catch (error) {
      // Without its alt text a picture is sent all the same, unless it may be told later.
      if (error instanceof Problem && error.temporary) {
        this.#later();
        return;
      }
    } finally {
      this.#delivering.delete(ref);
    }
    const parcel = this.#whole(ref);
    if (this.#stopped || !parcel) return;
    const { room_id, body, reply_to } = parcel;
    const uploads = parcel.uploads.flatMap((id) => this.#find(id) ?? []);
    const files = uploads.flatMap(({ file_id }) => file_id ?? []);
    batch(() => {
      for (const { shown, alt } of uploads)
        if (shown) this.#shown.set(shown.file_id, { ...shown, alt });
      this.#options.give({
        ...{ type: 'send', ref, room_id, body, files },
        ...(reply_to && { reply_to }),
      });
      this.#dropParcel(ref);
      for (const upload of uploads) this.#drop(upload);
    });
  }

  /** A message whose files are all there. */
  #whole(ref: string): Parcel | undefined {
    const isThere = (id: string) => this.#find(id)?.state === 'whole';
    const parcel = this.parcels.peek().find((one) => one.ref === ref);
    return parcel?.uploads.every(isThere) ? parcel : undefined;
  }

  #dropParcel(ref: string): void {
    this.parcels.value = this.parcels.peek().filter((one) => one.ref !== ref);
    this.#options.store.deleteParcel(ref);
  }

  #drop({ id }: Upload): void {
    this.#running.get(id)?.abort();
    this.#bytes.delete(id);
    this.items.value = this.items.peek().filter((one) => one.id !== id);
    this.#options.store.delete(id);
    this.#go();
  }

  async #keep(upload: Upload, bytes: Blob): Promise<void> {
    const { store, user_id } = this.#options;
    const isKept = await store.add(user_id, upload, bytes);
    const now = this.#find(upload.id);
    if (now) store.change(now);
    else store.delete(upload.id);
    if (now && !isKept)
      this.notice.value = `“${upload.name}” is sent while this page is open. The browser has no space to keep it for later.`;
  }

  /** Starts what may start. */
  #go(): void {
    if (this.#stopped) return;
    for (const { id, state } of this.items.peek())
      if (
        state === 'waiting' &&
        !this.#resting.has(id) &&
        !this.#running.has(id) &&
        this.#running.size < AT_ONCE
      )
        void this.#run(id);
  }

  async #run(id: string): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    this.#change(id, { state: 'going' });
    try {
      const file = await this.#upload(id, controller.signal);
      this.#failures = 0;
      this.#change(id, { state: 'whole', offset: file.size, shown: file });
    } catch (error) {
      this.#failed(id, error, controller.signal);
    } finally {
      this.#running.delete(id);
    }
    this.#go();
    const ref = this.#find(id)?.ref;
    if (ref) void this.#deliver(ref);
  }

  #failed(id: string, error: unknown, signal: AbortSignal): void {
    if (signal.aborted && !this.#find(id)) return;
    const code = error instanceof Problem ? error.code : '';
    // It was swept away, or another part of it has arrived than was thought.
    const isLost = code === 'not_found' && this.#find(id)?.file_id !== null;
    if (isLost) this.#change(id, { file_id: null, offset: 0 });
    // A quota is no trouble of the server, although it has such a status.
    const isTemporary =
      error instanceof Problem && code !== 'quota' && (error.temporary || code === 'bad_offset');
    if (isLost || isTemporary) {
      this.#resting.add(id);
      this.#change(id, { state: 'waiting' });
      this.#later(error instanceof Problem ? (error.retryAfterSeconds ?? 0) * 1_000 : 0);
    } else
      this.#change(id, {
        state: 'failed',
        refused: OF_THE_FILE.has(code),
        error: code === 'not_found' ? codeText('forbidden') : problemText(error),
      });
  }

  /** Tries again later what waits. */
  #later(least = 0): void {
    const { clock } = this.#options;
    this.#cancelNext();
    this.#cancelNext = clock.after(Math.max(least, jitter(this.#failures++, clock)), () =>
      this.#wake(),
    );
  }

  #wake(): void {
    this.#resting.clear();
    this.#go();
    for (const { ref } of this.parcels.peek()) void this.#deliver(ref);
  }

  /** Uploads what is left of a file. Fails with a Problem. */
  async #upload(id: string, signal: AbortSignal): Promise<UploadedFile> {
    const { api } = this.#options;
    const bytes = this.#bytes.get(id);
    const upload = this.#find(id);
    if (!bytes || !upload) throw new Problem({ code: 'gone' });
    const { room_id, name, type, alt } = upload;
    let file: UploadedFile;
    if (upload.file_id) file = await api.state(upload.file_id);
    else {
      const isSmall = bytes.size <= SMALL_BYTES;
      file = isSmall
        ? await this.#timed(signal, (signal) =>
            api.upload(room_id, { name, type, alt }, bytes, signal),
          )
        : await this.#timed(signal, (signal) =>
            api.begin(room_id, { name, type, alt }, bytes.size, signal),
          );
      this.#change(id, { file_id: file.file_id, told_alt: alt });
    }
    let size = LEAST_PART_BYTES;
    while (!file.whole) {
      const { offset, file_id } = file;
      this.#change(id, { offset });
      const begun = this.#options.clock.now();
      const part = bytes.slice(offset, offset + size);
      file = await this.#timed(signal, (signal) => api.part(file_id, offset, part, signal));
      const took = Math.max(1, this.#options.clock.now() - begun);
      const fitting = (size * PART_MILLISECONDS) / took;
      size = Math.round(
        Math.min(Math.max(fitting, size / 2, LEAST_PART_BYTES), size * 2, MOST_PART_BYTES),
      );
    }
    return file;
  }

  /** Does a request that is given up when it is stuck. */
  async #timed<T>(signal: AbortSignal, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const abort = () => controller.abort();
    signal.addEventListener('abort', abort);
    const cancel = this.#options.clock.after(STUCK_MILLISECONDS, abort);
    try {
      return await request(controller.signal);
    } finally {
      cancel();
      signal.removeEventListener('abort', abort);
    }
  }

  #find(id: string): Upload | undefined {
    return this.items.peek().find((one) => one.id === id);
  }

  #change(id: string, change: Partial<Upload>): void {
    const before = this.#find(id);
    if (!before) return;
    const now = { ...before, ...change };
    this.items.value = this.items.peek().map((one) => (one === before ? now : one));
    this.#options.store.change(now);
  }
}

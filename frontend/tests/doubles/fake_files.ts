import type { UploadedFile } from 'tailwire-client/wire/files';
import { Problem, unreachable } from 'tailwire-client/wire/problem';
import type { Parcel, Upload } from '../../src/rooms/upload';
import type { KeptUpload, UploadsStore } from '../../src/rooms/uploads_store';

/** The server's side of uploads. Requests fail as the test says. */
export class FakeFiles {
  readonly kept = new Map<string, { size: number; parts: Blob[]; name: string; alt: string }>();
  readonly requests: string[] = [];
  readonly given_up: string[] = [];
  /** The next requests fail with these, in turn; null for one that does not. */
  failures: (Problem | null)[] = [];
  /** The answer to the next part is lost after its bytes have arrived. */
  losesAnswer = false;
  /** Requests wait for this. */
  gate: Promise<void> = Promise.resolve();

  async upload(
    _: string,
    { name, alt }: { name: string; alt: string },
    bytes: Blob,
    signal: AbortSignal,
  ): Promise<UploadedFile> {
    await this.#asked('upload', signal);
    return this.#make(name, alt, bytes.size, [bytes]);
  }

  async begin(
    _: string,
    { name, alt }: { name: string; alt: string },
    size: number,
    signal: AbortSignal,
  ): Promise<UploadedFile> {
    await this.#asked('begin', signal);
    return this.#make(name, alt, size, []);
  }

  async state(file_id: string): Promise<UploadedFile> {
    await this.#asked('state');
    return this.#told(file_id);
  }

  async part(
    file_id: string,
    offset: number,
    bytes: Blob,
    signal: AbortSignal,
  ): Promise<UploadedFile> {
    await this.#asked(`part ${offset}`, signal);
    if (this.#told(file_id).offset !== offset)
      throw new Problem({ status: 409, code: 'bad_offset' });
    this.kept.get(file_id)?.parts.push(bytes);
    if (this.losesAnswer) {
      this.losesAnswer = false;
      throw unreachable();
    }
    return this.#told(file_id);
  }

  async describe(file_id: string, alt: string): Promise<UploadedFile> {
    await this.#asked('describe');
    const file = this.kept.get(file_id);
    if (file) file.alt = alt;
    return this.#told(file_id);
  }

  async giveUp(file_id: string): Promise<void> {
    this.given_up.push(file_id);
    this.kept.delete(file_id);
  }

  async #asked(request: string, signal?: AbortSignal): Promise<void> {
    this.requests.push(request);
    await this.gate;
    if (signal?.aborted) throw unreachable();
    const failure = this.failures.shift();
    if (failure) throw failure;
  }

  #make(name: string, alt: string, size: number, parts: Blob[]): UploadedFile {
    const file_id = `file-${this.kept.size + 1}`;
    this.kept.set(file_id, { name, alt, size, parts });
    return this.#told(file_id);
  }

  #told(file_id: string): UploadedFile {
    const file = this.kept.get(file_id);
    if (!file) throw new Problem({ status: 404, code: 'not_found' });
    const offset = file.parts.reduce((sum, part) => sum + part.size, 0);
    const none = { width: null, height: null, has_thumb: false, blur: null };
    const { name, size, alt } = file;
    return {
      file_id,
      name,
      size,
      alt,
      type: 'text/plain',
      ...none,
      offset,
      whole: offset === size,
    };
  }
}

/** What is kept of uploads, for the pages of one tab. */
export class FakeUploadsStore implements UploadsStore {
  uploads = new Map<string, KeptUpload>();
  readonly parcels = new Map<string, Parcel>();
  isFull = false;

  restore() {
    const uploads = [...this.uploads.values()];
    return Promise.resolve({ uploads, parcels: [...this.parcels.values()] });
  }

  add(_: string, upload: Upload, bytes: Blob): Promise<boolean> {
    this.uploads.set(upload.id, { upload, bytes: this.isFull ? undefined : bytes });
    return Promise.resolve(!this.isFull);
  }

  change(upload: Upload): void {
    const kept = this.uploads.get(upload.id);
    if (kept) this.uploads.set(upload.id, { ...kept, upload });
  }

  delete(id: string): void {
    this.uploads.delete(id);
  }

  putParcel(_: string, parcel: Parcel): void {
    this.parcels.set(parcel.ref, parcel);
  }

  deleteParcel(ref: string): void {
    this.parcels.delete(ref);
  }

  forget(): void {
    this.uploads.clear();
    this.parcels.clear();
  }
}

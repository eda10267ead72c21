import type { FileAddress, ListedFile, UploadedFile } from '../files.ts';
import type { Page } from '../protocol.ts';
import type { Requests } from '../requests.ts';
import { roomPath } from './rooms.ts';

interface NewFile {
  name: string;
  type: string;
  alt: string;
}

/** Uploading and reading files. */
export class FilesApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Uploads a small file at once. */
  upload(room_id: string, file: NewFile, bytes: Blob, signal: AbortSignal): Promise<UploadedFile> {
    return this.#make(room_id, file, {}, bytes, signal);
  }

  /** Begins the upload of a file that comes in parts. */
  begin(room_id: string, file: NewFile, size: number, signal: AbortSignal): Promise<UploadedFile> {
    return this.#make(room_id, file, { 'Upload-Length': String(size) }, null, signal);
  }

  /** How far an upload has come. */
  state(file_id: string): Promise<UploadedFile> {
    return this.#requests.get(filePath(file_id));
  }

  /** Uploads the next part. */
  part(file_id: string, offset: number, bytes: Blob, signal: AbortSignal): Promise<UploadedFile> {
    return this.#requests.send('PATCH', filePath(file_id), {
      raw: { body: bytes, headers: { 'Upload-Offset': String(offset) }, signal },
    });
  }

  /** Says what a file shows, before it is sent. */
  describe(file_id: string, alt: string): Promise<UploadedFile> {
    return this.#requests.send('PUT', `${filePath(file_id)}/alt`, { body: { alt } });
  }

  /** Gives up a file that was not sent. */
  giveUp(file_id: string): Promise<void> {
    return this.#requests.send('DELETE', filePath(file_id));
  }

  /** The addresses of files that the user may see, or of their thumbnails. */
  async addresses(file_ids: readonly string[], thumb: boolean): Promise<FileAddress[]> {
    const { items } = await this.#requests.send<{ items: FileAddress[] }>('POST', 'files/urls', {
      body: { file_ids, thumb },
    });
    return items;
  }

  /** The files of a room, the newest first. */
  of(room_id: string, cursor: string | undefined): Promise<Page<ListedFile>> {
    return this.#requests.get(`${roomPath(room_id)}/files`, { cursor });
  }

  #make(
    room_id: string,
    { name, type, alt }: NewFile,
    headers: Record<string, string>,
    body: Blob | null,
    signal: AbortSignal,
  ): Promise<UploadedFile> {
    return this.#requests.send('POST', `${roomPath(room_id)}/files`, {
      query: { alt: alt || undefined },
      raw: {
        body,
        headers: {
          ...headers,
          'Content-Type': type || 'application/octet-stream',
          'Content-Disposition': `attachment; filename*=UTF-8''${encoded(name)}`,
        },
        signal,
      },
    });
  }
}

function filePath(file_id: string): string {
  return `files/${encodeURIComponent(file_id)}`;
}

/** A name as RFC 8187 has it. A lone half of a letter has no form there. */
function encoded(name: string): string {
  return encodeURIComponent(name.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
}

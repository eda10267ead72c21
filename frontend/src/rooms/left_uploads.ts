/** What the last page left of uploads, and what is to be done with it. Pure. */
import type { Parcel, Upload } from './upload';
import type { KeptUpload } from './uploads_store';

const LOST =
  'It was lost with the page, as the browser had no space to keep it. Take it away, or choose it again.';

interface Left {
  uploads: Upload[];
  /** The ids of uploads whose message was given to the outbox. */
  done: string[];
}

/**
 * The uploads as they are after a reload. Each message has all of its own: one of which nothing was kept has failed, so
 * that the message does not go without it.
 */
export function leftUploads(kept: readonly KeptUpload[], parcels: readonly Parcel[]): Left {
  const uploads: Upload[] = [];
  const done: string[] = [];
  for (const { upload, bytes } of kept) {
    const parcel = parcels.find(({ uploads }) => uploads.includes(upload.id));
    if (upload.ref && !parcel) done.push(upload.id);
    else uploads.push({ ...asLeft(upload, bytes), ref: parcel?.ref ?? null });
  }
  const known = new Set(uploads.map(({ id }) => id));
  for (const { ref, room_id, uploads: ids } of parcels)
    for (const id of ids)
      if (!known.has(id))
        uploads.push({ ...newUpload(id, room_id, room_id), ref, state: 'failed', error: LOST });
  return { uploads: uploads.sort((one, other) => one.at - other.at), done };
}

/** An upload of which nothing is known yet. */
export function newUpload(id: string, room_id: string, draft: string): Upload {
  return {
    ...{ id, room_id, draft, ref: null, at: 0, name: 'file', type: '', size: 0 },
    ...{
      alt: '',
      told_alt: '',
      file_id: null,
      offset: 0,
      state: 'waiting',
      error: null,
      shown: null,
    },
  };
}

/** What the server has is whole without its bytes. */
function asLeft(upload: Upload, bytes: Blob | undefined): Upload {
  if (upload.state === 'whole') return upload;
  if (!bytes) return { ...upload, state: 'failed', error: LOST };
  return upload.state === 'going' ? { ...upload, state: 'waiting' } : upload;
}

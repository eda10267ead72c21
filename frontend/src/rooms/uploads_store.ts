import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Tab } from '../browser/tab';
import type { Parcel, Upload } from './upload';

const DATABASE = 'tailwire-files';
const VERSION = 1;
// Of all files that wait in this browser. The bytes of what is more are lost with the page.
const MOST_BYTES = 512 * 1024 * 1024;

/** Keeps uploads beyond the life of the page. None of its methods fails. */
export interface UploadsStore {
  /** The uploads of this tab and of tabs that are gone, with their bytes, and the messages that wait for them. */
  restore(user_id: string): Promise<{ uploads: KeptUpload[]; parcels: Parcel[] }>;
  /** Keeps an upload, and its bytes where there is space. Returns whether there was. */
  add(user_id: string, upload: Upload, bytes: Blob): Promise<boolean>;
  change(upload: Upload): void;
  delete(id: string): void;
  putParcel(user_id: string, parcel: Parcel): void;
  deleteParcel(ref: string): void;
  forget(user_id: string): void;
}

export interface KeptUpload {
  upload: Upload;
  /** Undefined where there was no space. */
  bytes: Blob | undefined;
}

interface Owned {
  user_id: string;
  /** The tab that shows and sends it. */
  tab: string;
}

interface Schema extends DBSchema {
  uploads: { key: string; value: Owned & { id: string; upload: Upload; has_bytes: boolean } };
  parcels: { key: string; value: Owned & { ref: string; parcel: Parcel } };
  /** Apart from the uploads, because these change often. */
  bytes: { key: string; value: Blob };
}

type Database = IDBPDatabase<Schema>;

/** Keeps uploads in IndexedDB. Where that is missing, refuses or is full, they exist only as long as the page. */
export class IndexedUploadsStore implements UploadsStore {
  readonly #tab: Tab;
  #database: Promise<Database> | null = null;

  constructor(tab: Tab) {
    this.#tab = tab;
  }

  async restore(user_id: string): Promise<{ uploads: KeptUpload[]; parcels: Parcel[] }> {
    const found = await this.#use(async (database, tab) => {
      await this.#adopt(database, user_id, tab);
      const isOwn = (one: Owned) => one.user_id === user_id && one.tab === tab;
      const uploads: KeptUpload[] = [];
      for (const { id, upload } of (await database.getAll('uploads')).filter(isOwn)) {
        uploads.push({ upload, bytes: await database.get('bytes', id) });
      }
      const parcels = (await database.getAll('parcels')).filter(isOwn);
      return { uploads, parcels: parcels.map(({ parcel }) => parcel) };
    });
    return found ?? { uploads: [], parcels: [] };
  }

  async add(user_id: string, upload: Upload, bytes: Blob): Promise<boolean> {
    const { id } = upload;
    const isKept = await this.#use(async (database, tab) => {
      let sum = bytes.size;
      for (const one of await database.getAll('uploads')) if (one.has_bytes) sum += one.upload.size;
      if (sum > MOST_BYTES) return false;
      const transaction = database.transaction(['uploads', 'bytes'], 'readwrite');
      void transaction.objectStore('uploads').put({ id, user_id, tab, upload, has_bytes: true });
      void transaction.objectStore('bytes').put(bytes, id);
      await transaction.done;
      return true;
    });
    if (isKept) return true;
    // After a reload, its message must know that it had this file.
    await this.#use((database, tab) =>
      database.put('uploads', { id, user_id, tab, upload, has_bytes: false }),
    );
    return false;
  }

  change(upload: Upload): void {
    void this.#use(async (database) => {
      const { store, done } = database.transaction('uploads', 'readwrite');
      const kept = await store.get(upload.id);
      if (kept) void store.put({ ...kept, upload });
      await done;
    });
  }

  delete(id: string): void {
    void this.#use(async (database) => {
      const transaction = database.transaction(['uploads', 'bytes'], 'readwrite');
      void transaction.objectStore('uploads').delete(id);
      void transaction.objectStore('bytes').delete(id);
      await transaction.done;
    });
  }

  putParcel(user_id: string, parcel: Parcel): void {
    const { ref } = parcel;
    void this.#use((database, tab) => database.put('parcels', { ref, user_id, tab, parcel }));
  }

  deleteParcel(ref: string): void {
    void this.#use((database) => database.delete('parcels', ref));
  }

  forget(user_id: string): void {
    void this.#use(async (database) => {
      const transaction = database.transaction(['uploads', 'bytes', 'parcels'], 'readwrite');
      for (const one of await transaction.objectStore('uploads').getAll())
        if (one.user_id === user_id) {
          void transaction.objectStore('uploads').delete(one.id);
          void transaction.objectStore('bytes').delete(one.id);
        }
      for (const one of await transaction.objectStore('parcels').getAll())
        if (one.user_id === user_id) void transaction.objectStore('parcels').delete(one.ref);
      await transaction.done;
    });
  }

  /** Takes over what tabs left that are gone. */
  async #adopt(database: Database, user_id: string, tab: string): Promise<void> {
    const all = [...(await database.getAll('uploads')), ...(await database.getAll('parcels'))];
    const others = new Set(all.filter((one) => one.user_id === user_id).map((one) => one.tab));
    others.delete(tab);
    for (const other of others)
      await this.#tab.ifGone(other, async () => {
        const transaction = database.transaction(['uploads', 'parcels'], 'readwrite');
        const isLeft = (one: Owned) => one.user_id === user_id && one.tab === other;
        for (const one of await transaction.objectStore('uploads').getAll())
          if (isLeft(one)) void transaction.objectStore('uploads').put({ ...one, tab });
        for (const one of await transaction.objectStore('parcels').getAll())
          if (isLeft(one)) void transaction.objectStore('parcels').put({ ...one, tab });
        await transaction.done;
      });
  }

  /** Undefined where the browser cannot store anything. */
  async #use<T>(task: (database: Database, tab: string) => Promise<T>): Promise<T | undefined> {
    try {
      this.#database ??= openDB<Schema>(DATABASE, VERSION, {
        upgrade(database) {
          database.createObjectStore('uploads', { keyPath: 'id' });
          database.createObjectStore('parcels', { keyPath: 'ref' });
          database.createObjectStore('bytes');
        },
        // A newer page in another tab must not wait for this one.
        blocking: (_, __, { target }) => {
          (target as IDBDatabase).close();
          this.#database = null;
        },
        // The user cleared the site's data. The database is opened again for the next file.
        terminated: () => {
          this.#database = null;
        },
      });
      return await task(await this.#database, await this.#tab.id);
    } catch {
      return undefined;
    }
  }
}

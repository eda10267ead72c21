// Keeps tokens, positions and unsent messages in files of a folder: a Store for Node.
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

export class FileStore {
  constructor(folder) {
    this.folder = folder;
  }

  async read(name) {
    try {
      return await readFile(join(this.folder, `${name}.json`), 'utf8');
    } catch (error) {
      if (error.code === 'ENOENT') return null;
      throw error;
    }
  }

  async write(name, text) {
    const path = join(this.folder, `${name}.json`);
    const file = await open(`${path}.new`, 'w', 0o600);
    await file.writeFile(text);
    await file.sync();
    await file.close();
    await rename(`${path}.new`, path);
  }
}

import { open } from 'node:fs/promises';

/** Resolves once the names of the files in the folder outlive a loss of power; what is in the files is synced by itself. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from './sync-folder.ts';

/** Writes a small file whole or not at all, over what is there. Resolves once it outlives a loss of power. */
export async function writeWhole(folder: string, name: string, text: string): Promise<void> {
  const draft = join(folder, `${name}.draft`);
  await writeFile(draft, text, { flush: true });
  await rename(draft, join(folder, name));
  await syncFolder(folder);
}

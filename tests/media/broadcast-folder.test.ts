import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  createBroadcastFolder,
  sweepBroadcastFolders,
} from '../../media-server/broadcast/broadcast-folder.ts';

const PROCESS = fileURLToPath(new URL('broadcast-folder-process.ts', import.meta.url));

test('The folders of broadcasts of a server that was killed are deleted at the next start, those of living ones not', async () => {
  const root = await mkdtemp(join(tmpdir(), 'veza-broadcasts-test-'));
  const [killed, living] = [fork(PROCESS, [root]), fork(PROCESS, [root])];
  try {
    const folders = await Promise.all(
      [killed, living].map(async (child) => (await once(child, 'message'))[0]),
    );
    const own = await createBroadcastFolder(root);
    await writeFile(join(root, 'notes.txt'), 'mine');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await sweepBroadcastFolders(root);
    const kept = [folders[1].path, own.path].map((path) => basename(path));
    assert.deepEqual((await readdir(root)).sort(), [...kept, 'notes.txt'].sort());
    assert.ok((await readdir(folders[1].path)).includes('0.ts'));
    await own.remove();
    await sweepBroadcastFolders(root);
    assert.deepEqual((await readdir(root)).sort(), [kept[0], 'notes.txt'].sort());
  } finally {
    killed.kill('SIGKILL');
    living.kill('SIGKILL');
    await rm(root, { recursive: true });
  }
});

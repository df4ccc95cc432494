/** A process with a broadcast's folder, to be killed. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createBroadcastFolder } from '../../media-server/broadcast/broadcast-folder.ts';

const [root = ''] = process.argv.slice(2);
const { path } = await createBroadcastFolder(root);
await writeFile(join(path, '0.ts'), 'a segment');
process.once('disconnect', () => process.exit(0));
process.send?.({ path });

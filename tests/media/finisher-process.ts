/** A recorder in a process of its own, to be killed: it finishes what is left in a folder, and says what it tells. */
import { z } from 'zod';
import { fileStoreOptions, fileVariables } from '#platform/files/file-environment.ts';
import { createFileStore } from '#platform/files/file-store.ts';
import { startFinishing } from './left-take.ts';

const [folder = '', reach = ''] = process.argv.slice(2);
const files = await createFileStore(fileStoreOptions(z.object(fileVariables).parse(process.env), ''));
process.once('disconnect', () => process.exit(0));
await startFinishing({
  folder,
  files,
  // Without reach the durable bus takes what it is told and never says so.
  async onTold(event) {
    process.send?.(event);
    if (reach === 'unacknowledged' && event.name === 'media.recordingFinished')
      await new Promise(() => undefined);
  },
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { dataFolder, startPlatformProcess } from '../support/platform-process.ts';
import { journey } from './journey.ts';

it('the platform in one process serves the whole journey of its users by polls, too, without Redis', async () => {
  const folder = await dataFolder();
  const config = join(folder.path, 'gateway.yaml');
  await writeFile(config, 'subgraphs: { all: { subscriptions: { upstream: polls } } }');
  const platform = await startPlatformProcess(folder.path, { GATEWAY_CONFIG: config });
  try {
    await journey(platform.url);
  } finally {
    await platform.end('SIGTERM');
    await folder.remove();
  }
});

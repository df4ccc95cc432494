/**
 * `npm run bench`: what the platform in one process costs on this machine. Every answer is checked. `--seconds N` sets how long each
 * figure is measured (default 8); see README.md beside this file for what each one means.
 */
import { parseArgs } from 'node:util';
import { dataFolder, startPlatformProcess } from '../support/platform-process.ts';
import { measureDelivery } from './platform/delivery.ts';
import { measureMessages } from './platform/messages.ts';
import { measureQueries } from './platform/queries.ts';
import { cpuMsOf, machine, rssMbOf } from './machine.ts';
import { table } from './table.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '8' } } });
const durationMs = Number(values.seconds) * 1_000;
if (!(durationMs > 0)) throw new Error('--seconds must be a number above 0.');

const folder = await dataFolder();
const timed = async (env: NodeJS.ProcessEnv = {}) => {
  const startedAt = performance.now();
  const platform = await startPlatformProcess(folder.path, env);
  return { platform, ms: performance.now() - startedAt };
};

console.log(`${machine()}; the load runs on the same cores.`);
try {
  const first = await timed();
  await first.platform.end('SIGTERM');
  const second = await timed();
  const { platform } = second;
  try {
    console.log('\nStart, dependencies installed\n');
    console.log(
      table(
        ['', 'seconds'],
        [
          ['first (database made, demo data)', seconds(first.ms)],
          ['second', seconds(second.ms)],
        ],
      ),
    );
    const idleMb = rssMbOf(platform.pid);
    const server = { url: platform.url, cpuMs: () => cpuMsOf(platform.pid) };
    console.log('\nQueries\n');
    console.log(await measureQueries(server, durationMs));
    console.log('\nMessages: sendMessage over HTTP → event with its author at a subscriber over WebSocket\n');
    console.log(await measureMessages(server, durationMs));
    console.log('\nMemory of the process, PostgreSQL apart\n');
    console.log(
      table(
        ['', 'MB RSS'],
        [
          ['idle', idleMb.toFixed(0)],
          ['after the load above', rssMbOf(platform.pid).toFixed(0)],
        ],
      ),
    );
  } finally {
    await platform.end('SIGTERM');
  }
  console.log('\nDurable delivery: 30,000 events that wait in NATS, to one process\n');
  console.log(await measureDelivery());
} finally {
  await folder.remove();
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/servers.ts';
import { services } from '../support/services.ts';
import { SECRET } from './media-kit.ts';

const ENTRY = fileURLToPath(new URL('../../media-server/index.ts', import.meta.url));

export type MediaServerProcess = Awaited<ReturnType<typeof startMediaServerProcess>>;

/** One of several media servers over Redis, as a process of its own; resolves once it is ready. Rejects where it ends before. */
export async function startMediaServerProcess(env: NodeJS.ProcessEnv = {}, given?: number) {
  const port = given ?? (await freePort());
  const { PATH = '', HOME = '', CI = '' } = process.env;
  const url = `ws://127.0.0.1:${port}/media`;
  const own = { PORT: String(port), MEDIA_INTERNAL_URL: `http://127.0.0.1:${port}`, MEDIA_PUBLIC_URL: url };
  const shared = { INTERNAL_SECRET: SECRET, REDIS_URL: services.redisUrl ?? '', MEDIA_DRAIN_MS: '10' };
  const workers = { MEDIA_WORKERS: '1', MEDIA_MIN_PORT: '44100', MEDIA_MAX_PORT: '44199' };
  const child = spawn(process.execPath, [ENTRY], {
    env: { PATH, HOME, CI, ...own, ...shared, ...workers, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exitCode = once(child, 'close').then(([code]) => code);
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<void>((resolve) =>
    lines.on('line', (line) => {
      if (JSON.parse(line).msg === 'ready') resolve();
    }),
  );
  const ended = exitCode.then((code) => {
    throw new Error(`The media server ended with ${code}.`);
  });
  await Promise.race([ready, ended]);
  return { child, port, url, exitCode };
}

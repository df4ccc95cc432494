import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { listen } from '#platform/http.ts';
import { newId } from '#platform/ids.ts';
import { createLog, type Log } from '#platform/log.ts';
import { createLivePage } from '../../../media-server/page/live-page.ts';
import { httpMediaServers } from '../../../subgraphs/stream/service/media-http.ts';
import { createMediaRefusals } from '../../../subgraphs/stream/service/media-refusals.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { pageOperations, type LiveUser } from '../../browser/live-platform.ts';
import { SECRET } from '../../media/media-kit.ts';
import { freePort, GATEWAY_CORE, startPinned } from '../gateway/processes.ts';
import { processTree } from '../machine.ts';
import { openNetworkPath } from './network-path.ts';

const ENTRY = resolve(import.meta.dirname, '../../../media-server/index.ts');
const WORKER_ADDRESS = '127.0.0.1';
/** What browsers are told; packets go through the path from there to the worker. */
const PATH_ADDRESS = '127.0.0.2';
/** Below the range that Linux gives to sockets that ask for any. */
const RTP_PORT = 19_999;
const READY_MS = 60_000;
const ASK_AGAIN_MS = 20;

/** A media server with one worker as a process of its own, and a live page for `users`. */
export async function startLiveServer(users: readonly LiveUser[]) {
  const folder = mkdtempSync(join(tmpdir(), 'veza-audio-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const path = await openNetworkPath(PATH_ADDRESS, WORKER_ADDRESS, RTP_PORT);
  let server = await startMediaServer(port, folder);

  const liveRoomId = newId('LiveRoom');
  const sockets = await startTcpProxy('127.0.0.1', port);
  const mediaUrl = `ws://127.0.0.1:${sockets.port}/media`;
  const log = createLog('audio-bench', 'error');
  const findRefusal = refusalsWhile(port, mediaUrl, liveRoomId, log);
  const api = pageOperations(users, liveRoomId, { secret: SECRET, mediaUrl, findRefusal });
  const routes = [...createLivePage({ graphqlPath: '/graphql' }), api];
  const listener = await listen({ host: '127.0.0.1', port: 0, routes, log });
  return {
    url: `http://127.0.0.1:${listener.port}/live/${liveRoomId}`,
    /** All clients at once. */
    changeNetwork: () => path.change(),
    /** Everything that stands now, sockets and audio, carries nothing any more, and nobody is told. */
    dieSilently() {
      path.die();
      sockets.freeze();
    },
    killWorker: () => void process.kill(workerOf(server.pid), 'SIGKILL'),
    /** As for an update: asks it to stop, and starts the next one as soon as it has. */
    async restart() {
      const stopped = once(server.child, 'exit');
      server.child.kill('SIGTERM');
      await stopped;
      server = await startMediaServer(port, folder);
    },
    async close() {
      await listener.close(0);
      await server.end();
      await sockets.close();
      path.close();
    },
  };
}

/** As `joinLiveRoom` does it: by the server's health. */
function refusalsWhile(port: number, publicUrl: string, liveRoomId: string, log: Log) {
  const url = `http://127.0.0.1:${port}`;
  const media = httpMediaServers({ url, publicUrl, webUrl: url });
  const refuse = createMediaRefusals({ log, now: () => new Date() });
  return async () => {
    const location = await media.locate(liveRoomId);
    return location.available ? null : refuse(location.reason).errors[0];
  };
}

async function startMediaServer(port: number, cwd: string) {
  const env = {
    PORT: String(port),
    INTERNAL_SECRET: SECRET,
    LOG_LEVEL: 'warn',
    MEDIA_WORKERS: '1',
    MEDIA_LISTEN_IP: WORKER_ADDRESS,
    MEDIA_ANNOUNCED_ADDRESS: PATH_ADDRESS,
    MEDIA_MIN_PORT: String(RTP_PORT),
    MEDIA_MAX_PORT: String(RTP_PORT),
    NATS_URL: '',
    REDIS_URL: '',
  };
  const server = startPinned(GATEWAY_CORE, [ENTRY], { env, cwd });
  const giveUpAtMs = performance.now() + READY_MS;
  while (!(await isReady(port))) {
    if (server.child.exitCode !== null || performance.now() > giveUpAtMs)
      throw new Error(`The media server does not start: ${server.output()}`);
    await delay(ASK_AGAIN_MS);
  }
  return server;
}

const isReady = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

function workerOf(pid: number): number {
  const worker = processTree(pid).find((one) => /^(mediasoup|downloaded)-worker/.test(commandOf(one)));
  if (worker === undefined) throw new Error('the media server has no worker');
  return worker;
}

const commandOf = (pid: number): string => {
  const [program = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return program.split('/').at(-1) ?? '';
};

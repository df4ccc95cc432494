/** A media server with its workers, in a process of its own, that tells what its workers hold. Ends with its parent. */
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { listen, sendJson, type HttpRoute } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import {
  LISTENING_TOPIC,
  listeningAnswers,
  listeningQuestion,
  type ListeningAnswer,
} from '#schema/listening.ts';
import { MEDIA_CONTROL_TOPIC, mediaControl } from '#schema/media-bus.ts';
import { findFfmpeg } from '../../../../media-server/ffmpeg.ts';
import { createMediaServer, type MediaServer } from '../../../../media-server/server.ts';
import { findWorker } from '../../../../media-server/worker/find-worker.mjs';
import { filesIn, SECRET } from '../../../media/media-kit.ts';
import { serverOrder, type ServerOrder } from '../orders.ts';
import { watchWorkers } from './workers-census.ts';

/** Below the range of ports that Linux gives to sockets that ask for any. */
const LISTEN = { ip: '127.0.0.1', minPort: 19_000, maxPort: 19_099 };
const MAX_PEERS_PER_ROOM = 50;

const folder = mkdtempSync(join(tmpdir(), 'veza-media-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const recordingsFolder = join(folder, 'recordings');
const census = watchWorkers();
const liveBus = memoryLiveBus();
let media: MediaServer | null = null;

async function start({
  workerCount,
  maxConsumersPerRouter,
}: ServerOrder & { kind: 'start' }): Promise<object> {
  const worker = findWorker(process.env);
  if (worker.path === null) throw new Error(worker.reason);
  await mkdir(recordingsFolder);
  void answerListeners();
  const log = createLog('media-bench', 'warn');
  media = await createMediaServer({
    listen: LISTEN,
    workerCount,
    workerBin: { path: worker.path },
    maxPeersPerRoom: MAX_PEERS_PER_ROOM,
    recordingsFolder,
    files: await filesIn(join(folder, 'files')),
    ffmpeg: findFfmpeg(process.env),
    secret: SECRET,
    durableBus: memoryDurableBus(),
    liveBus,
    log,
    metrics: createMetrics('media-bench'),
    limits: maxConsumersPerRouter === undefined ? {} : { maxConsumersPerRouter },
  });
  const routes = [ordersRoute, ...media.routes];
  const { port } = await listen({ host: '127.0.0.1', port: 0, routes, upgrades: [media.upgrade], log });
  return { port };
}

/** Hands on what the stream subgraph would order. */
const ordersRoute: HttpRoute = {
  methods: ['POST'],
  path: '/orders',
  async handle(request, response) {
    await liveBus.publish(MEDIA_CONTROL_TOPIC, mediaControl.parse(await json(request)));
    sendJson(response, 200, {});
  },
};

/** In place of the stream subgraph: everybody may listen to broadcasts. */
async function answerListeners(): Promise<void> {
  for await (const question of await liveBus.subscribe(LISTENING_TOPIC)) {
    const { serverId, listeners } = listeningQuestion.parse(question);
    const answer: ListeningAnswer = { listeners: listeners.map((one) => ({ ...one, allowed: true })) };
    await liveBus.publish(listeningAnswers(serverId), answer);
  }
}

async function count(): Promise<object> {
  const rooms = media?.status().rooms ?? [];
  return {
    workers: await census(),
    rooms: rooms.length,
    participants: rooms.reduce((sum, { participants }) => sum + participants.length, 0),
    // A take has a folder until its files are stored.
    recordings: (await readdir(recordingsFolder)).length,
  };
}

setFlagsFromString('--expose-gc');
const collectGarbage: unknown = runInNewContext('gc');

function collect(): object {
  if (typeof collectGarbage !== 'function') throw new Error('garbage is not collected');
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return { usedMb: (heapUsed + external) / 1e6 };
}

async function obey(message: unknown): Promise<object> {
  const order = serverOrder.parse(message);
  if (order.kind === 'start') return start(order);
  return order.kind === 'census' ? count() : collect();
}

process.on('message', async (message) => process.send?.(await obey(message)));
process.on('disconnect', () => process.exit(0));

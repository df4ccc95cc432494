import { resolve } from 'node:path';
import { EnvironmentError, readEnvironment } from '#platform/environment.ts';
import { connectDurableBus, connectLiveBus } from '#platform/events/connect.ts';
import { fileStoreOptions } from '#platform/files/file-environment.ts';
import { createFileStore } from '#platform/files/file-store.ts';
import { healthRoutes } from '#platform/health.ts';
import { listen } from '#platform/http.ts';
import { createLog, type Log } from '#platform/log.ts';
import { createMetrics, metricsRoute } from '#platform/metrics.ts';
import type { Running } from '#platform/process.ts';
import { connectSingleUse } from '#platform/single-use.ts';
import type { MediaServerDeps } from './deps.ts';
import {
  mediaEnvironmentProblems,
  mediaProcessEnvironment,
  workerCountOf,
  type MediaEnvironment,
  type MediaProcessEnvironment,
} from './environment.ts';
import { MOVE_DEADLINE_MS } from './drain.ts';
import { findFfmpeg } from './ffmpeg.ts';
import { connectRoomDirectory } from './mesh/room-directory-redis.ts';
import { createLivePage } from './page/live-page.ts';
import { createMediaServer, type MediaServer } from './server.ts';
import { findWorker } from './worker/find-worker.mjs';

/** What closing takes after everybody is handed over. */
const CLOSE_DEADLINE_MS = 15_000;

/** The part of the dependencies that comes from the environment and the machine. Throws EnvironmentError. */
export function mediaSettings(
  environment: MediaEnvironment,
  env: NodeJS.ProcessEnv,
): Omit<
  MediaServerDeps,
  'durableBus' | 'liveBus' | 'usedGrants' | 'directory' | 'files' | 'log' | 'metrics'
> {
  const problems = mediaEnvironmentProblems(environment);
  if (problems.length > 0) throw new EnvironmentError(problems);
  const worker = findWorker(env);
  return {
    listen: {
      ip: environment.MEDIA_LISTEN_IP,
      announcedAddress: environment.MEDIA_ANNOUNCED_ADDRESS,
      minPort: environment.MEDIA_MIN_PORT,
      maxPort: environment.MEDIA_MAX_PORT,
    },
    workerCount: workerCountOf(environment),
    workerBin:
      worker.path === null ? { missing: `${worker.reason}. ${worker.remedy}` } : { path: worker.path },
    maxPeersPerRoom: environment.MEDIA_MAX_PEERS_PER_ROOM,
    recordingsFolder: resolve(environment.RECORDINGS_DIR ?? '.veza/recordings'),
    ffmpeg: findFfmpeg(env),
    secret: environment.INTERNAL_SECRET,
    limits: { maxConsumersPerRouter: environment.MEDIA_MAX_CONSUMERS_PER_ROUTER },
  };
}

/** Starts the media server as a process of its own. Without a worker it runs, says that it is not ready, and refuses sockets. */
export async function startMediaProcess(env: NodeJS.ProcessEnv): Promise<Running> {
  const environment = readEnvironment(mediaProcessEnvironment, env);
  // The other way round it is the only one, and the address is the stream subgraph's to tell.
  if (environment.MEDIA_INTERNAL_URL && !environment.MEDIA_PUBLIC_URL)
    throw new EnvironmentError([
      'MEDIA_INTERNAL_URL: needs MEDIA_PUBLIC_URL, at which clients reach this one',
    ]);
  const settings = mediaSettings(environment, env);
  const log = createLog('media-server', environment.LOG_LEVEL);
  const metrics = createMetrics('media-server');
  const connections = await connect(environment, log);
  const { durableBus, liveBus } = connections;
  const media = await createMediaServer({ ...settings, ...connections, log, metrics });
  const checks = {
    durableBus: () => durableBus.ping(),
    liveBus: () => liveBus.ping(),
    workers: () => requireAvailable(media),
  };
  const { HOST: host, PORT: port } = environment;
  // The gateway of a platform in several processes hands /live/* on to here.
  const page = createLivePage({ graphqlPath: '/graphql' });
  const routes = [...healthRoutes(checks, log), metricsRoute(metrics), ...media.routes, ...page];
  const closeAll = async () => {
    await media.close();
    await connections.close();
  };
  try {
    const listener = await listen({ host, port, routes, upgrades: [media.upgrade], log });
    const { MEDIA_INTERNAL_URL: internalUrl, MEDIA_PUBLIC_URL: publicUrl } = environment;
    if (internalUrl && publicUrl) await media.announce({ internalUrl, publicUrl });
    await media.recoverRecordings();
    log.info({ port: listener.port, availability: media.availability() }, 'ready');
    const { MEDIA_DRAIN_MS: windowMs } = environment;
    return {
      closeDeadlineMs: windowMs + MOVE_DEADLINE_MS + CLOSE_DEADLINE_MS,
      async close() {
        await media.drain(windowMs);
        await Promise.all([listener.close(), closeAll()]);
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** What it shares with other processes. */
async function connect(environment: MediaProcessEnvironment, log: Log) {
  const { NATS_URL: natsUrl, REDIS_URL: redisUrl, INTERNAL_SECRET: secret } = environment;
  const durableBus = await connectDurableBus({ natsUrl, log });
  const liveBus = await connectLiveBus({ redisUrl, log });
  const usedGrants = await connectSingleUse({ redisUrl, log });
  const directory = await connectRoomDirectory({ redisUrl, log });
  const files = await createFileStore(fileStoreOptions(environment, secret));
  const close = async () => {
    for (const one of [durableBus, liveBus, usedGrants, directory]) await one.close();
  };
  return { durableBus, liveBus, usedGrants, directory, files, close };
}

async function requireAvailable(media: MediaServer): Promise<void> {
  const availability = media.availability();
  if (!availability.available) throw new Error(availability.reason);
}

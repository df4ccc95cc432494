import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { LiveBus } from '#platform/events/ports.ts';
import { sendJson, type HttpRoute, type UpgradeRoute } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { memorySingleUse } from '#platform/single-use.ts';
import {
  connectionsTopic,
  MEDIA_ABILITIES_PATH,
  MEDIA_HEARTBEAT_MS,
  MEDIA_HEARTBEAT_TOPIC,
  RESUME_WINDOW_MS,
  speakersTopic,
  type MediaAbilities,
  type MediaControl,
  type MediaHeartbeat,
} from '#schema/media-bus.ts';
import { AUTHENTICATION_DEADLINE_MS, HEARTBEAT_MS } from '#schema/signalling.ts';
import { createAdmission } from './admission.ts';
import { Broadcasts } from './broadcast/broadcasts.ts';
import { createListeningRights } from './broadcast/listening-rights.ts';
import type { MediaLimits, MediaServerDeps } from './deps.ts';
import { handOver } from './drain.ts';
import { DEFAULT_MAX_CONSUMERS_PER_ROUTER } from './environment.ts';
import { registerMediaMetrics } from './media-metrics.ts';
import { createMesh } from './mesh/mesh.ts';
import { listenForOrders } from './orders.ts';
import { createPresence, type Presence } from './presence.ts';
import { watchConnections } from './quality/connection-watch.ts';
import { Recorder } from './recording/recorder.ts';
import { Rooms } from './rooms.ts';
import { createSocketServer } from './signalling/socket-server.ts';
import { heartbeatOf, mediaStatus, type MediaAvailability, type MediaStatus } from './status.ts';
import { createVoices, type Voices } from './voices.ts';
import { WorkerPool } from './workers.ts';

/** Path of the signalling WebSocket. */
export const MEDIA_PATH = '/media';

const DEFAULT_LIMITS: MediaLimits = {
  authenticationDeadlineMs: AUTHENTICATION_DEADLINE_MS,
  heartbeatMs: HEARTBEAT_MS,
  emptyRoomGraceMs: 30_000,
  resumeWindowMs: RESUME_WINDOW_MS,
  occupancyMs: MEDIA_HEARTBEAT_MS,
  connectionsMs: 2_000,
  maxConsumersPerRouter: DEFAULT_MAX_CONSUMERS_PER_ROUTER,
};

export interface MediaServer {
  /** Answers a WebSocket upgrade request; the caller has matched the path. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** The same, for `listen` of platform/http.ts. */
  readonly upgrade: UpgradeRoute;
  /** What it answers besides. */
  readonly routes: readonly HttpRoute[];
  readonly abilities: MediaAbilities;
  /** Tells where it listens: from now on people may be sent to it, and rooms that are opened may span other servers. */
  announce(address: NonNullable<MediaHeartbeat['address']>): Promise<void>;
  /**
   * Takes nobody in any more, and hands everybody over to other servers, spread over `windowMs`. Resolves when nobody is left or after
   * MOVE_DEADLINE_MS more; at once where there is no other server.
   */
  drain(windowMs: number): Promise<void>;
  /** Whether somebody who joins now can be heard. */
  availability(): MediaAvailability;
  status(): MediaStatus;
  /** Begins to finish the recordings that a killed server left. Call it once, when whoever is told of them listens to the durable bus. */
  recoverRecordings(): Promise<void>;
  /**
   * Idempotent. Who tells whom: sockets are closed with SERVER_SHUTDOWN, each peer closes its transports (which closes producers and consumers),
   * each room its router, the pool its workers; then recordings and what was said about presence are handed on.
   */
  close(): Promise<void>;
}

/** Starts workers and hears orders; resolves once both stand. Rejects only where the live bus cannot be subscribed to. */
export async function createMediaServer(deps: MediaServerDeps): Promise<MediaServer> {
  const { log, metrics, maxPeersPerRoom, usedGrants = memorySingleUse() } = deps;
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const core = await startCore(deps, limits);
  const { serverId, rooms, pool, mesh, recorder, broadcasts, admission, presence, tell } = core;
  let closing: Promise<void> | null = null;
  let draining = false;

  const availability = () => availabilityOf(deps, pool, draining || closing !== null);
  const status = () => mediaStatus(serverId, availability(), pool, rooms, recorder);
  const isAvailable = () => availability().available;
  const abilities = { canMix: 'path' in deps.ffmpeg };
  const { admit } = admission;
  const session = { rooms, maxPeersPerRoom, admit, usedGrants };
  const sockets = createSocketServer({ ...session, isAvailable, limits, log });
  const capacity = deps.workerCount * limits.maxConsumersPerRouter;
  const beat = () => tell(MEDIA_HEARTBEAT_TOPIC, heartbeatOf(status(), mesh.address, capacity));
  const heartbeat = setInterval(beat, limits.occupancyMs);
  const connections = startConnectionWatch(deps, limits, core);
  registerMediaMetrics(metrics, status, () => presence.pending);

  const shutDown = async () => {
    clearInterval(heartbeat);
    connections.close();
    await core.orderFeed.close();
    rooms.close();
    await mesh.close();
    sockets.close();
    // It needs no worker any more: with the rooms, every take has ended.
    pool?.close();
    await Promise.all([recorder.close(), broadcasts.close(), core.rights.close(), presence.close()]);
  };
  return {
    handleUpgrade: sockets.handleUpgrade,
    async announce(address) {
      await mesh.announce(address);
      beat();
    },
    async drain(windowMs) {
      if (!mesh.hasNeighbours) return;
      draining = true;
      beat();
      await handOver(rooms, windowMs);
    },
    upgrade: { path: MEDIA_PATH, handle: sockets.handleUpgrade },
    routes: [abilitiesRoute(abilities), broadcasts.route, ...mesh.routes],
    abilities,
    availability,
    status,
    recoverRecordings: () => recorder.recover(),
    close: () => (closing ??= shutDown()),
  };
}

const startConnectionWatch = (
  { log }: MediaServerDeps,
  { connectionsMs: sampleMs }: MediaLimits,
  { serverId, rooms, tell }: Awaited<ReturnType<typeof startCore>>,
) =>
  watchConnections({
    rooms: () => rooms.all,
    onReport: (report) => tell(connectionsTopic(report.liveRoomId), report),
    serverId,
    sampleMs,
    log,
  });

/** Everything behind the sockets. */
async function startCore(deps: MediaServerDeps, limits: MediaLimits) {
  const { liveBus, durableBus, log, secret } = deps;
  const serverId = `media-${randomBytes(8).toString('hex')}`;
  const tell = teller(liveBus, log);
  const presence = createPresence({ serverId, durableBus, log });
  const admission = createAdmission(secret);
  const voices = createVoices();
  const mesh = createMesh({
    ...deps,
    serverId,
    directory: deps.directory ?? null,
    renewalMs: limits.occupancyMs,
  });
  let pool: WorkerPool | null = null;
  const rooms = new Rooms({
    findPool: () => pool,
    span: mesh.span,
    owner: roomOwner(presence, voices, tell),
    ...limits,
    log,
  });
  const obey = async (order: MediaControl) => {
    if ('recordingId' in order) return recorder.obey(order);
    if (order.kind === 'recheckListeners') return rights.doubt(order.liveRoomId);
    admission.remember(order);
    // Whoever is put out of a room may be kept from listening as well.
    if (order.kind === 'remove') rights.doubt(order.liveRoomId);
    if (order.kind === 'endRoom') rooms.end(order.liveRoomId);
    else await rooms.find(order.liveRoomId)?.obey(order);
  };
  // Of several servers that host a room, one has all of its voices.
  const isOpen = (liveRoomId: string) => rooms.find(liveRoomId)?.audio.isWatching === true;
  const recorder = new Recorder({ ...deps, serverId, voices, isOpen, folder: deps.recordingsFolder });
  const rights = createListeningRights({ serverId, liveBus, log });
  const orderFeed = await listenForOrders(liveBus, obey, log);
  pool = await startPool(deps, rooms);
  const broadcasts = new Broadcasts({ ...deps, voices, isOpen, rights });
  return { serverId, rooms, pool, mesh, recorder, broadcasts, rights, admission, presence, tell, orderFeed };
}

const abilitiesRoute = (abilities: MediaAbilities): HttpRoute => ({
  methods: ['GET'],
  path: MEDIA_ABILITIES_PATH,
  handle: (_request, response) => sendJson(response, 200, abilities),
});

type Tell = (topic: string, message: unknown) => void;

// The live bus carries hints: one that is lost is followed by the next.
function teller(liveBus: LiveBus, log: Log): Tell {
  return (topic, message) =>
    void liveBus
      .publish(topic, message)
      .catch((error: unknown) => log.debug({ err: error, topic }, 'not published'));
}

const roomOwner = (
  presence: Presence,
  voices: Voices,
  tell: Tell,
): ConstructorParameters<typeof Rooms>[0]['owner'] => ({
  onConnected: presence.connected,
  onDisconnected: presence.disconnected,
  onSpeakers: (report) => tell(speakersTopic(report.liveRoomId), report),
  onVoice: voices.opened,
  onClosed: voices.roomClosed,
});

async function startPool(deps: MediaServerDeps, rooms: Rooms): Promise<WorkerPool | null> {
  const { workerBin, workerCount, listen, log } = deps;
  if ('missing' in workerBin) {
    log.warn({ reason: workerBin.missing }, 'live audio is not available');
    return null;
  }
  return WorkerPool.create({
    workerBin: workerBin.path,
    count: workerCount,
    listen,
    log,
    onDied: (dead) => rooms.onWorkerDied(dead),
  });
}

function availabilityOf(
  { workerBin }: MediaServerDeps,
  pool: WorkerPool | null,
  isClosing: boolean,
): MediaAvailability {
  if (isClosing) return { available: false, reason: 'The media server is stopping.' };
  const reason = 'missing' in workerBin ? workerBin.missing : (pool?.problem ?? null);
  return reason === null ? { available: true } : { available: false, reason };
}

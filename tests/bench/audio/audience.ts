import { execFileSync } from 'node:child_process';
import { observer, type types } from 'mediasoup';
import { messageOf } from '#platform/errors.ts';
import { newId } from '#platform/ids.ts';
import type { RtpCapabilities } from '#schema/rtp.ts';
import { startMedia, type MediaKit } from '../../media/media-kit.ts';
import { GATEWAY_CORE } from '../gateway/processes.ts';
import type { Load } from './load.ts';
import { streamOf } from './rtp.ts';
import type { Suite } from './srtp.ts';

export type Protection = Suite | 'none';
/** What Chromium and the worker agree on, see `recovery`. */
export const USUAL = 'AEAD_AES_256_GCM' satisfies Suite;

/** Below the range of ports that Linux gives to sockets that ask for any. */
const PORTS = { min: 20_000, max: 32_000 };
const LISTEN = { ip: '127.0.0.1', minPort: 46_000, maxPort: 46_999 };
const MAX_PEERS = 5_000;
/** Nobody is thrown out because the load is slow. */
const LIMITS = { authenticationDeadlineMs: 60_000, heartbeatMs: 60_000 };
/** Transports that are created at the same time. */
const AT_ONCE = 20;
/** Every so manieth listener decrypts what it gets; the others check headers and count. */
const DECRYPTING = 10;
/** What mediasoup wants of the other side's sender, which sends nothing. */
const KEY_BYTES = { AEAD_AES_128_GCM: 28, AEAD_AES_256_GCM: 44, AES_CM_128_HMAC_SHA1_80: 30 };

/** A media server in this process, with its workers on the core of what is measured. */
export interface MeasuredServer {
  readonly kit: MediaKit;
  /** Process ids of the workers, in the order of their start. */
  readonly pids: readonly number[];
  /** Routers in the order of their creation, each with what the media server has measure levels there. */
  readonly routers: readonly {
    readonly router: types.Router;
    readonly observers: readonly types.RtpObserver[];
  }[];
}

export async function startServer(workerCount: number): Promise<MeasuredServer> {
  const pids: number[] = [];
  const routers: { router: types.Router; observers: types.RtpObserver[] }[] = [];
  const watchRouter = (router: types.Router) => {
    const observers: types.RtpObserver[] = [];
    router.observer.on('newrtpobserver', (one) => observers.push(one));
    routers.push({ router, observers });
  };
  const watchWorker = (worker: types.Worker) => {
    pids.push(worker.pid);
    worker.observer.on('newrouter', watchRouter);
  };
  observer.on('newworker', watchWorker);
  const kit = await startMedia({ workerCount, listen: LISTEN, maxPeersPerRoom: MAX_PEERS, limits: LIMITS });
  observer.off('newworker', watchWorker);
  const availability = kit.media.availability();
  if (!availability.available) throw new Error(availability.reason);
  for (const pid of pids)
    execFileSync('taskset', ['-a', '-c', '-p', GATEWAY_CORE, String(pid)], { stdio: 'ignore' });
  return { kit, pids, routers };
}

let lastSsrc = 10_000;

/** A live room with one speaker, whose levels are measured, and the port at which it takes the speaker's packets. */
export interface Stage {
  readonly router: types.Router;
  readonly rtpCapabilities: RtpCapabilities;
  readonly producer: types.Producer;
  readonly port: number;
  readonly ssrc: number;
  readonly liveRoomId: string;
}

/** Opens a live room, on the worker with the fewest. */
export async function openStage({ kit, routers }: MeasuredServer): Promise<Stage> {
  const liveRoomId = newId('LiveRoom');
  const { welcome } = await kit.enter({ liveRoomId });
  const ssrc = (lastSsrc += 1);
  const opened = routers.at(-1);
  if (!opened) throw new Error('the room has no router');
  const { router, observers } = opened;
  const { producer, port } = await addSpeaker(router, ssrc);
  if (observers.length === 0) throw new Error('nothing measures levels');
  for (const one of observers) await one.addProducer({ producerId: producer.id });
  return { router, rtpCapabilities: welcome.routerRtpCapabilities, producer, port, ssrc, liveRoomId };
}

/** Takes a speaker's packets without encryption: of one stream that is sent to hundreds, its cost does not show. */
async function addSpeaker(router: types.Router, ssrc: number) {
  const transport = await router.createPlainTransport({ listenInfo: listenInfo(), comedia: true });
  const rtpParameters = streamOf(ssrc);
  const appData = { participantId: `speaker-${ssrc}` };
  const producer = await transport.produce({ kind: 'audio', rtpParameters, appData });
  return { producer, port: transport.tuple.localPort };
}

/** Adds listeners of the producer, which may have come to this router through a pipe. */
export async function addListeners(
  {
    router,
    rtpCapabilities,
    producer: { id: producerId },
  }: Pick<Stage, 'router' | 'rtpCapabilities' | 'producer'>,
  protection: Protection,
  count: number,
  load: Load,
): Promise<void> {
  const added: Parameters<Load['add']>[0] = [];
  let next = 0;
  const addOne = async (number: number) => {
    const transport = await connected(router, protection, load.ports[number % load.ports.length] ?? 0);
    const { rtpParameters } = await transport.consume({ producerId, rtpCapabilities });
    const keyBase64 = transport.srtpParameters?.keyBase64;
    const decrypts = number % DECRYPTING === 0 && protection !== 'none' && keyBase64 !== undefined;
    added.push({
      ssrc: rtpParameters.encodings?.[0]?.ssrc ?? 0,
      key: decrypts ? { suite: protection, keyBase64 } : null,
    });
  };
  const addSome = async () => {
    while (next < count) await addOne(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, addSome)).catch((error: unknown) => {
    throw new Error(`listener ${next} of ${count} (${protection}): ${messageOf(error)}`, { cause: error });
  });
  await load.add(added);
}

async function connected(router: types.Router, protection: Protection, port: number) {
  const to = { ip: '127.0.0.1', port };
  if (protection === 'none') {
    const transport = await router.createPlainTransport({ listenInfo: listenInfo() });
    await transport.connect(to);
    return transport;
  }
  const transport = await router.createPlainTransport({
    listenInfo: listenInfo(),
    enableSrtp: true,
    srtpCryptoSuite: protection,
  });
  const keyBase64 = Buffer.alloc(KEY_BYTES[protection], 1).toString('base64');
  await transport.connect({ ...to, srtpParameters: { cryptoSuite: protection, keyBase64 } });
  return transport;
}

const listenInfo = (): types.TransportListenInfo => ({ protocol: 'udp', ip: '127.0.0.1', portRange: PORTS });

import { observer, type types } from 'mediasoup';

/** What a worker holds, as it says itself: not what the media server believes. */
export interface WorkerCensus {
  readonly pid: number;
  readonly routers: number;
  readonly transports: number;
  readonly producers: number;
  readonly consumers: number;
  readonly rtpObservers: number;
  /** Transports that its ports serve, and names that ICE knows them by. */
  readonly served: number;
  readonly iceSessions: number;
  /** Whatever it takes requests for, of all of these. */
  readonly handlers: number;
}

interface Watched {
  readonly worker: types.Worker;
  readonly routers: Set<types.Router>;
  readonly webRtcServers: Set<types.WebRtcServer>;
}

/** To be called before workers start; returns what asks all that live. */
export function watchWorkers(): () => Promise<WorkerCensus[]> {
  const all = new Set<Watched>();
  observer.on('newworker', (worker) => {
    const watched: Watched = { worker, routers: new Set(), webRtcServers: new Set() };
    all.add(watched);
    worker.observer.once('close', () => all.delete(watched));
    worker.observer.on('newwebrtcserver', (server) => watched.webRtcServers.add(server));
    worker.observer.on('newrouter', (router) => {
      watched.routers.add(router);
      router.observer.once('close', () => watched.routers.delete(router));
    });
  });
  return () => Promise.all([...all].map(take));
}

async function take({ worker, routers, webRtcServers }: Watched): Promise<WorkerCensus> {
  const { routerIds, channelMessageHandlers } = await worker.dump();
  const dumps = await Promise.all([...routers].map(dumpOf));
  const servers = await Promise.all([...webRtcServers].map((server) => server.dump()));
  const sum = <T>(some: readonly T[], of: (one: T) => readonly unknown[]) =>
    some.reduce((total, one) => total + of(one).length, 0);
  return {
    pid: worker.pid,
    routers: routerIds.length,
    transports: sum(dumps, ({ transportIds }) => transportIds),
    producers: sum(dumps, ({ mapProducerIdConsumerIds }) => mapProducerIdConsumerIds),
    consumers: sum(dumps, ({ mapConsumerIdProducerId }) => mapConsumerIdProducerId),
    rtpObservers: sum(dumps, ({ rtpObserverIds }) => rtpObserverIds),
    served: sum(servers, ({ webRtcTransportIds }) => webRtcTransportIds),
    iceSessions: sum(servers, ({ localIceUsernameFragments }) => localIceUsernameFragments),
    handlers: channelMessageHandlers.channelRequestHandlers.length,
  };
}

const NOTHING = {
  transportIds: [],
  rtpObserverIds: [],
  mapProducerIdConsumerIds: [],
  mapConsumerIdProducerId: [],
} satisfies Partial<types.RouterDump>;

/** A router may be closed while its answer is on its way. */
const dumpOf = (router: types.Router): Promise<Pick<types.RouterDump, keyof typeof NOTHING>> =>
  router.dump().catch(() => NOTHING);

import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError } from '#platform/errors.ts';
import { BROADCAST_PATH, verifyBroadcastPath } from '#platform/broadcast-url.ts';
import type { HttpRoute } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { readDeliveryDirectives } from '../domain/delivery-directives.ts';
import type { Ffmpeg } from '../ffmpeg.ts';
import { acceptsGzip } from '../gzip.ts';
import type { Voices } from '../voices.ts';
import type { ListeningRights } from './listening-rights.ts';
import { startBroadcast, type Broadcast } from './broadcast.ts';

export interface BroadcastsDeps {
  readonly ffmpeg: Ffmpeg;
  readonly voices: Voices;
  /** Whether the room is open here, with all of its voices. */
  readonly isOpen: (liveRoomId: string) => boolean;
  readonly rights: ListeningRights;
  readonly secret: string;
  readonly log: Log;
  /** Requests that wait for a part, or for who may listen, at the same moment. Default: more than one server can answer in the length of a part. */
  readonly maxPending?: number;
}

interface Running {
  readonly broadcast: Broadcast;
  readonly timer: NodeJS.Timeout;
  /** Nothing is added any more; players are still fetching the last of it. */
  ended: boolean;
}

/** Players ask for something several times a second; when none has asked for so long, nobody listens. */
const IDLE_MS = 30_000;
const MAX_PENDING = 10_000;

const PLAYLIST = 'index.m3u8';

/** The broadcasts of this server. Each begins when somebody wants to listen, and ends when nobody does. */
export class Broadcasts {
  readonly #deps: BroadcastsDeps;
  readonly #running = new Map<string, Running>();
  #pending = 0;

  constructor(deps: BroadcastsDeps) {
    this.#deps = deps;
  }

  /** `GET /live/broadcast/<room>/<token>/<file>`, for holders of an address that the stream subgraph signed, while they may listen. */
  get route(): HttpRoute {
    return {
      methods: ['GET'],
      path: `${BROADCAST_PATH}*`,
      handle: async (request, response, url) => {
        // Players are on the platform's pages, and a media server may have an address of its own: without this they are not even told of a refusal.
        response.setHeader('access-control-allow-origin', '*');
        if (this.#pending >= (this.#deps.maxPending ?? MAX_PENDING))
          throw new CodedError('SERVICE_UNAVAILABLE', 'Too many listeners wait already.');
        this.#pending++;
        try {
          await this.#answer(request, response, url);
        } finally {
          this.#pending--;
        }
      },
    };
  }

  close(): void {
    for (const liveRoomId of this.#running.keys()) this.#remove(liveRoomId);
  }

  async #answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { listener, file } = await this.#admit(url.pathname);
    const broadcast = this.#require(listener.liveRoomId);
    if (file === PLAYLIST) {
      const { plain, gzipped } = await broadcast.playlist(readDeliveryDirectives(url.searchParams));
      const isGzipped = acceptsGzip(request);
      send(response, isGzipped ? gzipped : plain, {
        'content-type': 'application/vnd.apple.mpegurl',
        'cache-control': 'no-cache',
        vary: 'accept-encoding',
        ...(isGzipped && { 'content-encoding': 'gzip' }),
      });
    } else {
      const body = await broadcast.file(file);
      if (!body) throw new CodedError('NOT_FOUND', 'There is no such segment, or no longer.');
      send(response, body, {
        'content-type': 'audio/mp4',
        'cache-control': 'private, max-age=60, immutable',
      });
    }
  }

  async #admit(path: string) {
    const { rights, secret } = this.#deps;
    const request = verifyBroadcastPath(path, secret);
    if (!request) throw new CodedError('FORBIDDEN', 'This address is not valid, or no longer.');
    const allowed = await rights.may(request.listener);
    if (allowed === null) throw new CodedError('SERVICE_UNAVAILABLE', 'It is not known now who may listen.');
    if (!allowed) throw new CodedError('FORBIDDEN', 'You may not listen to this live room, or no longer.');
    return request;
  }

  #require(liveRoomId: string): Broadcast {
    const { ffmpeg, isOpen } = this.#deps;
    if ('missing' in ffmpeg) throw new CodedError('SERVICE_UNAVAILABLE', ffmpeg.missing);
    const running = this.#running.get(liveRoomId);
    if (isOpen(liveRoomId)) return this.#current(liveRoomId, ffmpeg.path, running);
    if (!running) throw new CodedError('NOT_FOUND', 'Nobody is in this live room.');
    // Another server has all of its voices now: players are told that there will be no more of them here.
    if (!running.ended) running.broadcast.finish();
    return running.broadcast;
  }

  #current(liveRoomId: string, ffmpeg: string, running: Running | undefined): Broadcast {
    if (running && !running.ended) {
      running.timer.refresh();
      return running.broadcast;
    }
    this.#remove(liveRoomId);
    const { voices } = this.#deps;
    const onEnded = (failure: Error | null) => this.#ended(liveRoomId, broadcast, failure);
    const broadcast = startBroadcast({ ffmpeg, liveRoomId, voices, onEnded });
    const timer = setTimeout(() => this.#remove(liveRoomId), IDLE_MS).unref();
    this.#running.set(liveRoomId, { broadcast, timer, ended: false });
    return broadcast;
  }

  #ended(liveRoomId: string, broadcast: Broadcast, failure: Error | null): void {
    const running = this.#running.get(liveRoomId);
    if (running?.broadcast !== broadcast) return;
    running.ended = true;
    running.timer.refresh();
    if (!failure) return;
    this.#deps.log.warn({ err: failure, liveRoomId }, 'a broadcast failed');
    this.#remove(liveRoomId);
  }

  #remove(liveRoomId: string): void {
    const running = this.#running.get(liveRoomId);
    if (!running) return;
    this.#running.delete(liveRoomId);
    clearTimeout(running.timer);
    running.broadcast.close();
  }
}

function send(response: ServerResponse, body: Buffer, headers: Readonly<Record<string, string>>): void {
  response.writeHead(200, {
    ...headers,
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

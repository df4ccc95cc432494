import { CodedError } from '#platform/errors.ts';
import { BROADCAST_PATH, verifyBroadcastPath } from '#platform/broadcast-url.ts';
import type { HttpRoute } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import type { Ffmpeg } from '../ffmpeg.ts';
import type { Voices } from '../voices.ts';
import { BROADCASTS_FOLDER, sweepBroadcastFolders } from './broadcast-folder.ts';
import type { ListeningRights } from './listening-rights.ts';
import { PLAYLIST, startBroadcast, type Broadcast } from './broadcast.ts';

export interface BroadcastsDeps {
  readonly ffmpeg: Ffmpeg;
  readonly voices: Voices;
  /** Whether the room is open here, with all of its voices. */
  readonly isOpen: (liveRoomId: string) => boolean;
  readonly rights: ListeningRights;
  readonly secret: string;
  readonly log: Log;
}

interface Running {
  readonly broadcast: Promise<Broadcast>;
  timer: NodeJS.Timeout;
}

/** Players ask for the playlist every second; when none has asked for so long, nobody listens. */
const IDLE_MS = 30_000;

/** The broadcasts of this server. Each begins when somebody wants to listen, and ends when nobody does. */
export class Broadcasts {
  readonly #deps: BroadcastsDeps;
  readonly #running = new Map<string, Running>();

  constructor(deps: BroadcastsDeps) {
    this.#deps = deps;
  }

  /** `GET /live/broadcast/<room>/<token>/<file>`, for holders of an address that the stream subgraph signed, while they may listen. */
  get route(): HttpRoute {
    return {
      methods: ['GET'],
      path: `${BROADCAST_PATH}*`,
      handle: async (request, response, url) => {
        const { listener, file } = await this.#admit(url.pathname);
        const body = await (await this.#require(listener.liveRoomId)).read(file);
        if (!body) throw new CodedError('NOT_FOUND', 'There is no such segment, or no longer.');
        const isPlaylist = file === PLAYLIST;
        response.writeHead(200, {
          'content-type': isPlaylist ? 'application/vnd.apple.mpegurl' : 'video/mp2t',
          'content-length': body.length,
          'cache-control': isPlaylist ? 'no-cache' : 'private, max-age=60, immutable',
          'x-content-type-options': 'nosniff',
          // Players are on the platform's pages, and a media server may have an address of its own.
          'access-control-allow-origin': '*',
        });
        response.end(request.method === 'HEAD' ? undefined : body);
      },
    };
  }

  /** Deletes what servers of this machine that were killed have left. Never rejects. */
  async sweep(): Promise<void> {
    await sweepBroadcastFolders(BROADCASTS_FOLDER).catch((error: unknown) => {
      this.#deps.log.warn({ err: error }, 'folders of former broadcasts are not deleted');
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((liveRoomId) => this.#end(liveRoomId)));
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

  #require(liveRoomId: string): Promise<Broadcast> {
    const { ffmpeg, voices, isOpen } = this.#deps;
    if ('missing' in ffmpeg) throw new CodedError('SERVICE_UNAVAILABLE', ffmpeg.missing);
    if (!isOpen(liveRoomId)) throw new CodedError('NOT_FOUND', 'Nobody is in this live room.');
    const running = this.#running.get(liveRoomId);
    if (running) {
      running.timer.refresh();
      return running.broadcast;
    }
    const onEnded = () => void this.#end(liveRoomId);
    const broadcast = startBroadcast({ ffmpeg: ffmpeg.path, liveRoomId, voices, onEnded });
    this.#running.set(liveRoomId, { broadcast, timer: setTimeout(onEnded, IDLE_MS).unref() });
    broadcast.catch(onEnded);
    return broadcast;
  }

  async #end(liveRoomId: string): Promise<void> {
    const running = this.#running.get(liveRoomId);
    if (!running) return;
    this.#running.delete(liveRoomId);
    clearTimeout(running.timer);
    await running.broadcast
      .then((broadcast) => broadcast.close())
      .catch((error: unknown) => this.#deps.log.warn({ err: error, liveRoomId }, 'a broadcast failed'));
  }
}

import { gzipSync } from 'node:zlib';
import { BroadcastWindow } from '../domain/broadcast-window.ts';
import type { DeliveryDirectives } from '../domain/delivery-directives.ts';
import type { Mp4Piece } from '../domain/fragmented-mp4.ts';
import type { Voices } from '../voices.ts';
import { startEncoder } from './encoder.ts';
import { LiveEdge } from './live-edge.ts';
import { mixRoom } from './room-mix.ts';

/** The mix of a room as low-latency HLS (RFC 8216bis). All of it is in memory, half a megabyte: nothing is left of it, however the server ends. */
export interface Broadcast {
  /**
   * Once everything that the directives ask for is there, and at least a segment. Rejects with BAD_REQUEST where that is too far ahead, and with
   * SERVICE_UNAVAILABLE where it does not come.
   */
  playlist(directives: DeliveryDirectives | null): Promise<Playlist>;
  /** One of its files; null where there is none, or no longer. The part that the playlist hints is waited for, and may be late as a playlist may. */
  file(name: string): Promise<Buffer | null>;
  /** Lets what was said be heard, and then nothing more. */
  finish(): void;
  close(): void;
}

/** The same for everybody: made once for each part. */
export interface Playlist {
  readonly plain: Buffer;
  readonly gzipped: Buffer;
}

export interface BroadcastOptions {
  readonly ffmpeg: string;
  readonly liveRoomId: string;
  readonly voices: Voices;
  /** Nothing is added any more: it was finished, or why it could not go on. */
  readonly onEnded: (failure: Error | null) => void;
}

export function startBroadcast({ ffmpeg, liveRoomId, voices, onEnded }: BroadcastOptions): Broadcast {
  const [startedAtMs, startedMs] = [Date.now(), performance.now()];
  // When another broadcast follows at the same address, also after a restart, it begins beyond this one, because segments take longer than a second. Times in
  // the media are dates, so they go on as well: players notice a gap, and nothing else.
  const firstMsn = Math.floor(startedAtMs / 1_000);
  const window = new BroadcastWindow(firstMsn, startedAtMs);
  const edge = new LiveEdge(window.next);
  let playlist: Playlist | null = null;

  const take = (piece: Mp4Piece) => {
    if (piece.kind === 'init') return window.open(piece.bytes);
    window.add(piece.bytes, piece.samples);
    playlist = null;
    edge.advance(window.next);
  };
  const encoder = startEncoder(ffmpeg, startedAtMs, {
    onPiece: take,
    onEnded(failure) {
      mix.close();
      if (failure) edge.fail('The broadcast was interrupted.');
      else end();
      onEnded(failure);
    },
  });
  const end = () => {
    window.end();
    playlist = null;
    edge.advance(Number.POSITIVE_INFINITY);
  };
  const mix = mixRoom({
    ...{ ffmpeg, liveRoomId, voices, startedMs },
    onSound: encoder.write,
    onEnded: encoder.finish,
  });
  return {
    async playlist(directives) {
      if (!window.ended) await edge.reach(window.wanted(directives));
      return (playlist ??= compressed(window.playlist));
    },
    async file(name) {
      if (window.isHinted(name)) await edge.reach(window.next);
      return window.find(name);
    },
    finish: mix.end,
    close() {
      mix.close();
      encoder.kill();
      edge.fail('The broadcast is over.');
    },
  };
}

function compressed(text: string): Playlist {
  const plain = Buffer.from(text);
  return { plain, gzipped: gzipSync(plain) };
}

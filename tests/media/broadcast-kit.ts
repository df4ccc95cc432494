import { readdirSync, readFileSync } from 'node:fs';
import { signBroadcastUrl } from '#platform/broadcast-url.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { listen } from '#platform/http.ts';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { Broadcasts } from '../../media-server/broadcast/broadcasts.ts';
import { createListeningRights } from '../../media-server/broadcast/listening-rights.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { answerListeners } from '../support/listening-answers.ts';
import { SECRET } from './media-kit.ts';
import { openStage } from './stage.ts';

export type BroadcastKit = Awaited<ReturnType<typeof openBroadcast>>;

/** A room whose speakers send plain RTP, and its broadcast over HTTP. */
export async function openBroadcast(program: string, { maxPending }: { maxPending?: number } = {}) {
  const log = createLog('broadcast-test', 'silent');
  const liveBus = memoryLiveBus();
  const unwelcome = new Set<string | null>();
  const welcome = answerListeners(liveBus, ({ userId }) => !unwelcome.has(userId));
  const rights = createListeningRights({ serverId: 'media-b', liveBus, log, recheckMs: 100 });
  const stage = await openStage(findWorker().path ?? '', newId('LiveRoom'));
  const room = { isOpen: true };
  const broadcasts = new Broadcasts({
    ffmpeg: { path: program },
    voices: stage.voices,
    isOpen: (id) => room.isOpen && id === stage.liveRoomId,
    rights,
    secret: SECRET,
    log,
    maxPending,
  });
  const listener = await listen({ host: '127.0.0.1', port: 0, routes: [broadcasts.route], log });
  const origin = `http://127.0.0.1:${listener.port}`;
  return {
    stage,
    liveBus,
    rights,
    log,
    /** Whom the stream subgraph refuses. */
    unwelcome,
    /** Whether this server has the room, with all of its voices. */
    room,
    origin,
    addressOf: (userId: string | null, liveRoomId = stage.liveRoomId, nowMs = Date.now()): string =>
      signBroadcastUrl(origin, { liveRoomId, userId }, SECRET, nowMs),
    async close() {
      broadcasts.close();
      await rights.close();
      await welcome.close();
      await liveBus.close();
      await listener.close(0);
      stage.close();
    },
  };
}

/** The process that encodes the only broadcast of this one. */
export function encoderPid(): number {
  const encoders = readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    const [command, parent] = [read(`/proc/${entry}/cmdline`), read(`/proc/${entry}/stat`).split(' ')[3]];
    return parent === String(process.pid) && command.includes('cmaf');
  });
  const [pid] = encoders;
  if (encoders.length !== 1 || !pid) throw new Error(`${encoders.length} encoders run`);
  return Number(pid);
}

/** Empty where the process has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

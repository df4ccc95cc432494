import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import type { EventFrame } from '#platform/events/ports.ts';
import type { FileStore } from '#platform/files/file-store.ts';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { EVENTS, type EventPayload } from '#schema/events.ts';
import { createOggFile } from '../../media-server/recording/ogg-file.ts';
import { Recorder } from '../../media-server/recording/recorder.ts';
import { createTakeFolder, markEnd, trackName } from '../../media-server/recording/take-folder.ts';
import { createVoices } from '../../media-server/voices.ts';
import { Observed } from './observed.ts';

export interface LeftVoice {
  readonly seconds: number;
  /** Of each packet of 20 ms. */
  readonly packetBytes: number;
}

const PACKETS_PER_SECOND = 50;
/** CELT, full band, one frame of 20 ms. */
const TOC = 0xf8;

/** Leaves a take that is over as a server leaves it that is killed in that moment: a speaker for each of `voices`. Returns the speakers' files. */
export async function leaveTake(root: string, voices: readonly LeftVoice[]): Promise<Buffer[]> {
  const eventIds = { started: newId('Event'), failed: newId('Event'), finished: newId('Event') };
  const folder = await createTakeFolder(root, {
    takeId: randomUUID(),
    recordingId: newId('Recording'),
    liveRoomId: newId('LiveRoom'),
    serverId: 'media-gone',
    mode: 'PER_SPEAKER',
    startedAt: new Date().toISOString(),
    eventIds,
  });
  const tracks: Buffer[] = [];
  for (const [index, { seconds, packetBytes }] of voices.entries()) {
    const path = join(folder.path, trackName(`lpt_${index}`, index, 0));
    const file = await createOggFile(path);
    const packet = Buffer.alloc(packetBytes, index + 1);
    packet.writeUInt8(TOC, 0);
    await file.write(Array<Buffer>(seconds * PACKETS_PER_SECOND).fill(packet));
    await file.end();
    tracks.push(await readFile(path));
  }
  await markEnd(folder, Math.max(...voices.map(({ seconds }) => seconds)) * 1_000);
  folder.release();
  return tracks;
}

export interface FinishingOptions {
  readonly folder: string;
  readonly files: FileStore;
  /** Hears what is told, and may keep it from being acknowledged. */
  readonly onTold?: (event: EventFrame) => Promise<void>;
}

export type Finishing = Awaited<ReturnType<typeof startFinishing>>;

/** A recorder that finds what is left in the folder, without a worker, and everything that it tells. */
export async function startFinishing({ folder, files, onTold }: FinishingOptions) {
  const events = new Observed<EventFrame>();
  const publish = async (event: EventFrame) => {
    events.add(event);
    await onTold?.(event);
  };
  const recorder = new Recorder({
    serverId: 'media-next',
    folder,
    ffmpeg: { missing: 'not needed' },
    files,
    durableBus: { ...memoryDurableBus(), publish },
    voices: createVoices(),
    isOpen: () => false,
    log: createLog('recording-test', 'silent'),
  });
  await recorder.recover();
  return {
    events,
    names: () => events.all.map(({ name }) => name),
    async finished(): Promise<EventPayload<'media.recordingFinished'>> {
      const { payload } = await events.find(({ name }) => name === 'media.recordingFinished');
      return EVENTS['media.recordingFinished'].payload.parse(payload);
    },
    close: () => recorder.close(),
  };
}

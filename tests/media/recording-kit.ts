import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import type { EventFrame } from '#platform/events/ports.ts';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { EVENTS, type EventPayload } from '#schema/events.ts';
import type { RecordingMode } from '#schema/media-bus.ts';
import type { Ffmpeg } from '../../media-server/ffmpeg.ts';
import { Recorder } from '../../media-server/recording/recorder.ts';
import { filesIn } from './media-kit.ts';
import { Observed } from './observed.ts';
import { openStage } from './stage.ts';

type Finished = EventPayload<'media.recordingFinished'>;

export interface RecordingOptions {
  readonly workerBin: string;
  readonly ffmpeg: Ffmpeg;
  /** Where takes grow; default: a folder of the kit's own. */
  readonly folder?: string;
}

/** A recorder on a real worker, and everything that it tells. */
export async function startRecordingKit({ workerBin, ffmpeg, folder }: RecordingOptions) {
  const root = await mkdtemp(join(tmpdir(), 'veza-recording-'));
  const stage = await openStage(workerBin, newId('LiveRoom'));
  const events = new Observed<EventFrame>();
  const durableBus = { ...memoryDurableBus(), publish: async (event: EventFrame) => events.add(event) };
  const recordings = folder ?? join(root, 'recordings');
  await mkdir(recordings, { recursive: true });
  const recorder = new Recorder({
    serverId: 'media-test',
    folder: recordings,
    ffmpeg,
    files: await filesIn(join(root, 'files')),
    durableBus,
    voices: stage.voices,
    isOpen: (id) => id === stage.liveRoomId,
    log: createLog('recording-test', 'silent'),
  });
  const { liveRoomId } = stage;
  return {
    stage,
    recorder,
    events,
    /** Takes that are not finished. */
    leftovers: () => readdir(recordings),
    pathOf: (key: string) => join(root, 'files', key),
    start: (mode: RecordingMode, recordingId = newId('Recording')) =>
      recorder.obey({ kind: 'startRecording', liveRoomId, recordingId, mode }).then(() => recordingId),
    stop: (recordingId: string) => recorder.obey({ kind: 'stopRecording', liveRoomId, recordingId }),
    async finished(recordingId: string): Promise<Finished> {
      const about = ({ name, payload }: EventFrame) =>
        name === 'media.recordingFinished' && finishedOf(payload).recordingId === recordingId;
      return finishedOf((await events.find(about)).payload);
    },
    async close() {
      await recorder.close();
      stage.close();
      await durableBus.close();
      await rm(root, { recursive: true });
    },
  };
}

export type RecordingKit = Awaited<ReturnType<typeof startRecordingKit>>;

const finishedOf = (payload: unknown): Finished => EVENTS['media.recordingFinished'].payload.parse(payload);

import { randomUUID } from 'node:crypto';
import type { EventPayload } from '#schema/events.ts';
import { tell, type Stream } from './stream-kit.ts';

export type Take = EventPayload<'media.recordingStarted'>;
type Finished = EventPayload<'media.recordingFinished'>;

export const SERVER = 'media-r';

export const newTake = (liveRoomId: string, recordingId: string, startedAt = new Date()): Take => {
  const about = { liveRoomId, recordingId, takeId: randomUUID(), serverId: SERVER };
  return { ...about, startedAt: startedAt.toISOString() };
};

export const mixKey = ({ recordingId, takeId }: Take): string =>
  `recordings/${recordingId}/${takeId}/mix.ogg`;

/** What a media server says of its takes. */
export const reporter = (stream: Stream) => ({
  begin: (take: Take) => tell(stream, streamOf(take), 'media.recordingStarted', take),
  fail: ({ startedAt: _startedAt, ...about }: Take, problem: string) =>
    tell(stream, `media-take:${about.takeId}`, 'media.recordingFailed', { ...about, problem }),
  /** A minute of a mix, unless it is said otherwise. */
  async finish(take: Take, { durationMs = 60_000, problem = null, ...rest }: Partial<Finished> = {}) {
    const mix = { key: mixKey(take), participantId: null, offsetMs: 0, durationMs, sizeBytes: 4 };
    const report = { ...take, durationMs, problem, files: [mix], ...rest };
    await tell(stream, streamOf(take), 'media.recordingFinished', report);
  },
});

const streamOf = ({ takeId }: Take) => `media-take:${takeId}`;

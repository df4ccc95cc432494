import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '#platform/events/backoff.ts';
import type { DurableBus, EventEnvelope } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { EVENTS, type EventPayload } from '#schema/events.ts';
import type { RecordingProblem } from '#schema/media-bus.ts';
import type { FinishedTake } from './finish-take.ts';
import type { Take } from './take-folder.ts';

type TakeEvent = 'media.recordingStarted' | 'media.recordingFailed' | 'media.recordingFinished';

/** Tells the durable bus of takes, the stream `media-take:<takeId>` of each. Everything may be told again: the ids stay the same. */
export interface TakeReports {
  /** Each resolves once the bus has it, and tries until then; rejects once reports are given up. */
  started(take: Take): Promise<void>;
  failed(take: Take, problem: RecordingProblem): Promise<void>;
  finished(take: Take, finished: FinishedTake): Promise<void>;
}

export interface TakeReportsDeps {
  readonly durableBus: DurableBus;
  readonly log: Log;
  /** Ends what is being tried. */
  readonly signal: AbortSignal;
}

export function createTakeReports({ durableBus, log, signal }: TakeReportsDeps): TakeReports {
  const publish = async (event: EventEnvelope<TakeEvent>) => {
    for (let failures = 1; ; failures++) {
      signal.throwIfAborted();
      try {
        return await durableBus.publish(event);
      } catch (error) {
        log.warn({ err: error, failures, event: event.name }, 'the durable bus did not accept a recording');
        await delay(backoffMs(failures), null, { signal });
      }
    }
  };
  return {
    started(take) {
      const payload = { ...about(take), startedAt: take.startedAt };
      return publish(
        envelope('media.recordingStarted', take, { id: take.eventIds.started, seq: 1, payload }),
      );
    },
    failed(take, problem) {
      const payload = { ...about(take), problem };
      return publish(envelope('media.recordingFailed', take, { id: take.eventIds.failed, seq: 2, payload }));
    },
    finished(take, finished) {
      const payload = { ...about(take), startedAt: take.startedAt, ...finished };
      return publish(
        envelope('media.recordingFinished', take, { id: take.eventIds.finished, seq: 3, payload }),
      );
    },
  };
}

const about = ({ recordingId, liveRoomId, takeId, serverId }: Take) => ({
  recordingId,
  liveRoomId,
  takeId,
  serverId,
});
const envelope = <N extends TakeEvent>(
  name: N,
  take: Take,
  { id, seq, payload }: { id: string; seq: number; payload: EventPayload<N> },
): EventEnvelope<N> => ({
  id,
  name,
  version: EVENTS[name].version,
  stream: `media-take:${take.takeId}`,
  seq,
  at: new Date().toISOString(),
  actorId: null,
  correlationId: null,
  payload,
});

import { z } from 'zod';
import type { Database } from '#platform/database.ts';
import { notFound, Refusal } from '#platform/errors.ts';
import { decodeCursor, encodeCursor, type Cursor } from '#platform/events/cursor.ts';
import type { Events } from '#platform/events/events.ts';
import { endedStream, LiveStream, type Step } from '#platform/events/live-stream.ts';
import type { AnyEvent, LiveBus } from '#platform/events/ports.ts';
import type { TailItem } from '#platform/events/tail.ts';
import type { ResyncReason } from '#platform/events/tail-window.ts';
import { polledCursor } from '#platform/events/tail-poll.ts';
import { isId } from '#platform/ids.ts';
import type { Listening, Poll } from '#platform/polling/poll.ts';
import { speakersReport, speakersTopic, type SpeakersReport } from '#schema/media-bus.ts';
import { findVisibleRooms, type LoggedLiveRoom } from '../data/live-room.repository.ts';
import type { LiveState } from '../domain/live-room.ts';
import { LEAVE_REASONS, type LeaveReason } from '../domain/participant.ts';

interface Position {
  readonly cursor: string;
  readonly seq: number;
  readonly at: Date;
}

export interface StateEvent extends Position {
  readonly __typename: 'LiveStateChanged';
  readonly state: LiveState;
}
/** The participant is loaded when the event is answered, so that it is shown as it is then. */
export interface ParticipantEvent extends Position {
  readonly __typename: 'ParticipantJoined' | 'ParticipantChanged';
  readonly participantId: string;
}
export interface LeftEvent extends Position {
  readonly __typename: 'ParticipantLeft';
  readonly participantId: string;
  readonly leaveReason: LeaveReason;
}
export interface HandEvent extends Position {
  readonly __typename: 'HandChanged';
  readonly liveRoomId: string;
  readonly participantId: string;
  readonly raised: boolean;
}
export interface ResyncEvent extends Position {
  readonly __typename: 'LiveResyncRequired';
  readonly reason: ResyncReason;
}
export type LiveEvent = StateEvent | ParticipantEvent | LeftEvent | HandEvent | ResyncEvent;

/** What can be followed in a live room. Each resolves once it is live, and ends when the viewer may no longer see the room. */
export interface LiveFeeds {
  events(
    viewerId: string | null,
    id: string,
    after: string | null,
    listening: Listening,
  ): Promise<AsyncIterableIterator<LiveEvent>>;
  speakers(
    viewerId: string | null,
    id: string,
    listening: Listening,
  ): Promise<AsyncIterableIterator<SpeakersReport>>;
}

export interface LiveFeedsDeps {
  readonly database: Database;
  readonly events: Events;
  readonly liveBus: LiveBus;
  readonly now: () => Date;
}

const MAX_REPORTS_PER_SECOND = 5;
const RECHECK_MS = 5_000;

export function createLiveFeeds(deps: LiveFeedsDeps): LiveFeeds {
  const find = async (viewerId: string | null, id: string): Promise<LoggedLiveRoom | null> => {
    const rooms = isId('LiveRoom', id) ? await findVisibleRooms(deps.database.fork(), viewerId, [id]) : [];
    return rooms[0] ?? null;
  };
  /** Null for a poll that was let in before the viewer lost sight of the room. */
  const require = async (viewerId: string | null, id: string, poll: Poll | null) => {
    const room = await find(viewerId, id);
    if (!room && !poll?.continues)
      throw new Refusal(notFound('liveRoomId', id, 'There is no such live room.'));
    return room;
  };

  return {
    async events(viewerId, id, after, { signal, poll }) {
      const given = after === null ? null : decodeCursor(after);
      const cursor = poll ? polledCursor(poll, given) : given;
      const room = await require(viewerId, id, poll);
      if (!room || isBehindEnd(room, cursor)) return endedStream(poll);
      // Who may see a room that goes with no chat room never changes.
      const maySee = async () => room.chatRoomId === null || (await find(viewerId, id)) !== null;
      const source = await deps.events.tail(`live-room:${id}`, cursor, signal, poll);
      const step = async (item: TailItem) => ((await maySee()) ? stepOf(item, deps.now) : { last: true });
      return new LiveStream({ source, step, signal });
    },

    async speakers(viewerId, id, { signal, poll }) {
      const room = await require(viewerId, id, poll);
      if (!room || (room.state === 'ENDED' && !poll?.continues)) return endedStream(poll);
      const maySee = every(RECHECK_MS, deps.now, async () => (await find(viewerId, id)) !== null);
      const passedAtMs = poll?.recall(z.array(z.number())) ?? [];
      poll?.keep(() => passedAtMs);
      const mayPass = createLimiter(MAX_REPORTS_PER_SECOND, 1_000, deps.now, passedAtMs);
      const topic = speakersTopic(id);
      const source = poll ? poll.listen([topic]) : await deps.liveBus.subscribe(topic);
      const step = async (message: unknown): Promise<Step<SpeakersReport>> => {
        if (room.chatRoomId !== null && !(await maySee())) return { last: true };
        const report = speakersReport.safeParse(message);
        return report.success && report.data.liveRoomId === id && mayPass() ? { emit: report.data } : {};
      };
      return new LiveStream({ source, step, signal });
    },
  };
}

function isBehindEnd({ state, logEpoch, logSeq }: LoggedLiveRoom, cursor: Cursor | null): boolean {
  if (state !== 'ENDED') return false;
  return cursor === null || (cursor.epoch === logEpoch && cursor.seq >= logSeq);
}

function stepOf(item: TailItem, now: () => Date): Step<LiveEvent> {
  const cursor = encodeCursor(item.cursor);
  if (item.kind === 'resync') {
    const position = { cursor, seq: item.cursor.seq, at: now() };
    return { emit: { __typename: 'LiveResyncRequired', ...position, reason: item.reason } };
  }
  const { event } = item;
  const emit = liveEventOf(event, { cursor, seq: event.seq, at: new Date(event.at) });
  return emit ? { emit, last: event.name === 'liveRoom.ended' } : {};
}

/** Every event of a live room's stream has its counterpart; null is for events of versions to come. */
function liveEventOf(event: AnyEvent, position: Position): LiveEvent | null {
  switch (event.name) {
    case 'liveRoom.created':
      return { __typename: 'LiveStateChanged', ...position, state: 'SCHEDULED' };
    case 'liveRoom.started':
      return { __typename: 'LiveStateChanged', ...position, state: 'LIVE' };
    case 'liveRoom.ended':
      return { __typename: 'LiveStateChanged', ...position, state: 'ENDED' };
    case 'liveRoom.participantJoined':
      return { __typename: 'ParticipantJoined', ...position, participantId: event.payload.participantId };
    case 'liveRoom.participantChanged':
      return { __typename: 'ParticipantChanged', ...position, participantId: event.payload.participantId };
    case 'liveRoom.participantLeft': {
      const { participantId, reason } = event.payload;
      const leaveReason = leaveReasonOf(reason);
      return { __typename: 'ParticipantLeft', ...position, participantId, leaveReason };
    }
    case 'liveRoom.handChanged': {
      const { liveRoomId, participantId, raised } = event.payload;
      return { __typename: 'HandChanged', ...position, liveRoomId, participantId, raised };
    }
    default:
      return null;
  }
}

const leaveReasonOf = (reason: string): LeaveReason =>
  LEAVE_REASONS.find((known) => known === reason) ?? 'CONNECTION_LOST';

/** Answers with the last outcome until `periodMs` have passed. */
function every(periodMs: number, now: () => Date, check: () => Promise<boolean>): () => Promise<boolean> {
  let checkedAtMs = now().getTime();
  let outcome = true;
  return async () => {
    if (now().getTime() - checkedAtMs < periodMs) return outcome;
    checkedAtMs = now().getTime();
    outcome = await check();
    return outcome;
  };
}

/** At most `count` within any `windowMs`. It keeps in `passedAtMs` when it let something pass. */
function createLimiter(
  count: number,
  windowMs: number,
  now: () => Date,
  passedAtMs: number[],
): () => boolean {
  return () => {
    const nowMs = now().getTime();
    while (passedAtMs[0] !== undefined && passedAtMs[0] <= nowMs - windowMs) passedAtMs.shift();
    if (passedAtMs.length >= count) return false;
    passedAtMs.push(nowMs);
    return true;
  };
}

import { z } from 'zod';
import type { Database } from '#platform/database.ts';
import { forbidden, Refusal } from '#platform/errors.ts';
import { openMessage } from '#platform/events/envelope.ts';
import { endedStream, LiveStream, type Step } from '#platform/events/live-stream.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import type { Listening } from '#platform/polling/poll.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findMembership } from '../data/member.repository.ts';
import { TYPING_TTL_MS, type TypingSignal } from '../domain/presence.ts';
import { streamOf } from '../domain/room.ts';
import { subscribeAll } from './live-topics.ts';
import type { PresenceKeeper } from './presence-keeper.ts';
import { readRoomFor } from './room-access.ts';

export interface Typing {
  /** Tells the members. Answers until when they show it. Signals that follow each other closely are told once. */
  signal(viewer: Viewer, roomId: string): Promise<Date>;
  /** Signals of the other members. Resolves once it is live; ends when the viewer is no longer a member. */
  follow(viewer: Viewer, roomId: string, listening: Listening): Promise<AsyncIterable<TypingSignal>>;
}

export interface TypingDeps {
  readonly database: Database;
  readonly liveBus: LiveBus;
  readonly keeper: PresenceKeeper;
  readonly now: () => Date;
}

const typingMessage = z.object({ userId: z.string(), until: z.iso.datetime() });
const topicOf = (roomId: string) => `typing:${roomId}`;
/** A signal that is at least this fresh needs no other. */
const COALESCE_MS = TYPING_TTL_MS / 2;
/** A notice that someone left may get lost: membership is looked at anew when a signal comes after this time. */
const RECHECK_MS = 30_000;
const MAX_REMEMBERED = 10_000;

export function createTyping({ database, liveBus, keeper, now }: TypingDeps): Typing {
  const told = new Map<string, Date>();
  const requireMember = async (viewer: Viewer, roomId: string) => {
    const room = await readRoomFor(database.fork(), viewer, roomId, 'VIEW');
    if (!room.viewer.membership) throw new Refusal(forbidden('Only members can do this.', null, 'roomId'));
  };
  return {
    async signal(viewer, roomId) {
      await readRoomFor(database.fork(), viewer, roomId, 'SEND');
      const key = `${roomId} ${viewer.userId}`;
      const nowMs = now().getTime();
      const last = told.get(key);
      if (last && last.getTime() - nowMs > COALESCE_MS) return last;
      const until = new Date(nowMs + TYPING_TTL_MS);
      remember(told, key, until, nowMs);
      await liveBus.publish(topicOf(roomId), { userId: viewer.userId, until: until.toISOString() });
      return until;
    },

    async follow(viewer, roomId, { signal, poll }) {
      if (!poll?.continues) await requireMember(viewer, roomId);
      else if (!(await findMembership(database.fork(), roomId, viewer.userId))) return endedStream(poll);
      const source = await subscribeAll(liveBus, [topicOf(roomId), streamOf(roomId)], poll);
      const release = await keeper.hold(viewer.userId, poll);
      const step = createStep({ database, now }, viewer.userId, roomId);
      return new LiveStream({ source, step, release, signal });
    },
  };
}

/** Passes on the signals of others, and ends when the room's events or the time since the last look say to look, and the membership is gone. */
function createStep({ database, now }: Pick<TypingDeps, 'database' | 'now'>, userId: string, roomId: string) {
  let checkedMs = now().getTime();
  return async (message: unknown): Promise<Step<TypingSignal>> => {
    const event = openMessage(message);
    const removed = event?.name === 'room.memberLeft' && event.payload.userId === userId;
    const nowMs = now().getTime();
    if (removed || nowMs - checkedMs > RECHECK_MS) {
      checkedMs = nowMs;
      if (!(await findMembership(database.fork(), roomId, userId))) return { last: true };
    }
    const { success, data } = typingMessage.safeParse(message);
    if (!success || data.userId === userId) return {};
    return { emit: { roomId, userId: data.userId, until: new Date(data.until) } };
  };
}

function remember(told: Map<string, Date>, key: string, until: Date, nowMs: number): void {
  if (told.size >= MAX_REMEMBERED)
    for (const [known, end] of told) if (end.getTime() <= nowMs) told.delete(known);
  told.set(key, until);
}

import { z } from 'zod';
import type { Database } from '#platform/database.ts';
import { coalesce } from '#platform/events/coalesce.ts';
import { openMessage } from '#platform/events/envelope.ts';
import { LiveStream, type Step } from '#platform/events/live-stream.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { whileEntitled } from '#platform/events/rights.ts';
import type { Log } from '#platform/log.ts';
import type { Listening } from '#platform/polling/poll.ts';
import type { Viewer } from '#platform/viewer.ts';
import { TYPING_TTL_MS, type TypingSignal } from '../domain/presence.ts';
import { requirePermission } from '../domain/permissions.ts';
import { streamOf } from '../domain/room.ts';
import { blocksTopic, subscribeAll } from './live-topics.ts';
import type { PresenceKeeper } from './presence-keeper.ts';
import { readFollowedRoom, readRoomFor } from './room-access.ts';

export interface Typing {
  /** Tells the members. Answers until when they show it. Signals that follow each other closely are told once. */
  signal(viewer: Viewer, roomId: string): Promise<Date>;
  /**
   * Signals of the other members, of each the newest, at most twice a second. Resolves once it is live; ends with a Refusal when the viewer is no
   * longer a member, or when one of the two in a direct room blocks the other.
   */
  follow(viewer: Viewer, roomId: string, listening: Listening): Promise<AsyncIterable<TypingSignal>>;
}

export interface TypingDeps {
  readonly database: Database;
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly keeper: PresenceKeeper;
  readonly now: () => Date;
}

const typingMessage = z.object({ userId: z.string(), until: z.iso.datetime() });
const topicOf = (roomId: string) => `typing:${roomId}`;
/** A signal that is at least this fresh needs no other. */
const COALESCE_MS = TYPING_TTL_MS / 2;
/** Of one person at most two a second, and of all together 20, however many type in a room. */
const RATE = { keyOf: ({ userId }: TypingSignal) => userId, keyGapMs: 500, gapMs: 50 };
const MAX_REMEMBERED = 10_000;

export function createTyping(deps: TypingDeps): Typing {
  const { database, liveBus, keeper, now } = deps;
  const told = new Map<string, Date>();
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
      if (!poll?.continues) await readRoomFor(database.fork(), viewer, roomId, 'SEND');
      const check = async () => {
        requirePermission(await readFollowedRoom(database.fork(), viewer, roomId), viewer.roles, 'SEND');
        return true;
      };
      const topics = [streamOf(roomId), blocksTopic(viewer.userId)];
      const concerns = (message: unknown) => mayEndMembership(message, viewer.userId);
      const open = async () => {
        const source = await subscribeAll(liveBus, [topicOf(roomId)], poll);
        const release = await keeper.hold(viewer.userId, poll);
        const step = (message: unknown) => signalOfOther(message, roomId, viewer.userId);
        return coalesce(new LiveStream({ source, step, release, signal }), RATE, poll);
      };
      return whileEntitled({ check, topics, concerns }, open, { ...deps, signal, poll });
    },
  };
}

/** What is no event of the room is told of a block. */
function mayEndMembership(message: unknown, userId: string): boolean {
  const event = openMessage(message);
  return event === null || (event.name === 'room.memberLeft' && event.payload.userId === userId);
}

function signalOfOther(message: unknown, roomId: string, viewerId: string): Step<TypingSignal> {
  const { success, data } = typingMessage.safeParse(message);
  if (!success || data.userId === viewerId) return {};
  return { emit: { roomId, userId: data.userId, until: new Date(data.until) } };
}

function remember(told: Map<string, Date>, key: string, until: Date, nowMs: number): void {
  if (told.size >= MAX_REMEMBERED)
    for (const [known, end] of told) if (end.getTime() <= nowMs) told.delete(known);
  told.set(key, until);
}

import type { z } from 'zod';
import type { CoalescingOptions } from '#platform/events/coalesce.ts';
import type { Step } from '#platform/events/live-stream.ts';
import {
  connectionsReport,
  connectionsTopic,
  speakersReport,
  speakersTopic,
  type ConnectionsReport,
  type SpeakersReport,
} from '#schema/media-bus.ts';
import {
  REACTIONS_EVERY_MS,
  reactionsReport,
  reactionsTopic,
  type ReactionsReport,
} from './live-reactions.ts';

/** What is told of a room and not logged, and how often it is handed on, the newest last. */
export interface Reports<T> {
  readonly topic: (liveRoomId: string) => string;
  readonly schema: z.ZodType<T>;
  readonly rate: CoalescingOptions<T>;
}

export const SPEAKERS: Reports<SpeakersReport> = {
  topic: speakersTopic,
  schema: speakersReport,
  rate: { gapMs: 200 },
};
export const CONNECTIONS: Reports<ConnectionsReport> = {
  topic: connectionsTopic,
  schema: connectionsReport,
  rate: { keyOf: ({ serverId }) => serverId, keyGapMs: 2_000 },
};
export const REACTIONS: Reports<ReactionsReport> = {
  topic: reactionsTopic,
  schema: reactionsReport,
  // Half of what lies between two reports: none is held up for having come a little early, and replaced by the next.
  rate: { keyOf: ({ from }) => from, keyGapMs: REACTIONS_EVERY_MS / 2 },
};

export function reportOf<T extends { readonly liveRoomId: string }>(
  schema: z.ZodType<T>,
  message: unknown,
  liveRoomId: string,
): Step<T> {
  const { success, data } = schema.safeParse(message);
  return success && data.liveRoomId === liveRoomId ? { emit: data } : {};
}

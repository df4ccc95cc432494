import { z } from 'zod';

/**
 * Whether people may listen to the broadcasts of live rooms: media servers ask over the live bus, again and again for as long as somebody listens, and
 * the stream subgraph answers. An address alone does not tell: it lasts for hours, and rights end before.
 */

/** Topic of questions. */
export const LISTENING_TOPIC = 'media:listening';

/** Topic on which that media server hears answers. */
export const listeningAnswers = (serverId: string): string => `media:listening:${serverId}`;

const listener = z.object({
  liveRoomId: z.string(),
  /** Whose address it is; null for one that was given to nobody in particular. */
  userId: z.string().nullable(),
});
export type Listener = z.infer<typeof listener>;

export const MAX_LISTENERS_ASKED = 1_000;

export const listeningQuestion = z.object({
  serverId: z.string().max(64),
  listeners: z.array(listener).max(MAX_LISTENERS_ASKED),
});
export type ListeningQuestion = z.infer<typeof listeningQuestion>;

export const listeningAnswer = z.object({ listeners: z.array(listener.extend({ allowed: z.boolean() })) });
export type ListeningAnswer = z.infer<typeof listeningAnswer>;

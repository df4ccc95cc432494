import { z } from 'zod';

/** How well somebody is connected to the media server: LOST while nothing comes from them at all. */
export const connectionQuality = z.enum(['EXCELLENT', 'GOOD', 'POOR', 'LOST']);
export type ConnectionQuality = z.infer<typeof connectionQuality>;

/** What was measured of one participant, of the worse of both directions. */
export const participantConnection = z.object({
  participantId: z.string(),
  quality: connectionQuality,
  /** 0 (unusable) to 100, the E-model's rating of a conversation. */
  score: z.number(),
  /** Share of the packets that were lost for good, 0 to 1. */
  lossRatio: z.number(),
  jitterMs: z.number(),
  /** Null until it was measured. */
  roundTripMs: z.number().nullable(),
});
export type ParticipantConnection = z.infer<typeof participantConnection>;

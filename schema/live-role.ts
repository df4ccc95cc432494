import { z } from 'zod';

/** Roles of a live room, most rights first. */
export const LIVE_ROLES = ['HOST', 'MODERATOR', 'SPEAKER', 'LISTENER'] as const;

export const liveRole = z
  .enum(LIVE_ROLES)
  .meta({ id: 'LiveRole', description: 'What somebody may do, most rights first.' });
export type LiveRole = z.infer<typeof liveRole>;

/** Whether a participant of that role may send audio. */
export const maySpeak = (role: LiveRole): boolean => role !== 'LISTENER';

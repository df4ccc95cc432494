import { z } from 'zod';
import type { Transaction } from '#platform/events/unit-of-work.ts';

/** Live topic on which it is hinted that fewer people may see the live rooms of a chat room. The tables are the truth. */
export const audienceTopic = (chatRoomId: string): string => `live-rooms-of:${chatRoomId}`;

/** `userId`: who may see them no longer; null: perhaps anyone. */
export const audienceMessage = z.object({ userId: z.string().nullable() });

/** Tells those concerned once it is committed. */
export function tellAudience({ tell }: Transaction, chatRoomId: string, userId: string | null): void {
  tell(audienceTopic(chatRoomId), { userId } satisfies z.infer<typeof audienceMessage>);
}

import { createBatcher } from '#platform/batcher.ts';
import type { Database } from '#platform/database.ts';
import { findMessagesOfEach, type MessageLookup } from '../data/message.repository.ts';
import type { Message } from '../domain/message.ts';

/** Null where there is no such message for that viewer. */
export type MessageReader = (viewerId: string | null, id: string) => Promise<Message | null>;

const MAX_TOGETHER = 500;

/**
 * Reads messages for all operations of this process together: each message that is sent is read for everyone who follows its room, at the same moment.
 * Nothing is remembered.
 */
export function createMessageReader(database: Database): MessageReader {
  const read = createBatcher(
    (lookups: readonly MessageLookup[]) => findMessagesOfEach(database.fork(), lookups),
    MAX_TOGETHER,
  );
  return (viewerId, id) => read({ viewerId: viewerId ?? '', id });
}

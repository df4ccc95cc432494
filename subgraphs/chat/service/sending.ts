import { createBatcher } from '#platform/batcher.ts';
import { messageOf, notFound, Refusal } from '#platform/errors.ts';
import type { NewEvent } from '#platform/events/event-log.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { isId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import type { Viewer } from '#platform/viewer.ts';
import { insertMessages } from '../data/message.repository.ts';
import { lockRooms } from '../data/room.repository.ts';
import { acceptMessage, type Message } from '../domain/message.ts';
import { streamOf } from '../domain/room.ts';
import { readDraft, type MessageDraft, type NewMessage, type Sending } from './message-draft.ts';

export interface SendingDeps {
  readonly events: Events;
  readonly log: Log;
  readonly now: () => Date;
}

type Outcome = Message | Refusal;

const MAX_TOGETHER = 100;

/**
 * Messages that come while others are being written are written together, in one transaction: a hundred of them cost little more than one. Nobody
 * waits for a room that is locked elsewhere but those who write to it, and what fails together is tried alone, so that a message that the
 * database cannot take costs no other.
 */
export function createSending(deps: SendingDeps): (viewer: Viewer, input: NewMessage) => Promise<Message> {
  const sendWithOthers = createBatcher(
    (sendings: readonly Sending[]) => sendTogether(deps, sendings),
    MAX_TOGETHER,
  );
  return async (viewer, input) => {
    requireIds(input);
    const sending = { viewer, input: { ...input, ...acceptMessage(input) } };
    const outcome = (await sendWithOthers(sending)) ?? (await sendAlone(deps, sending));
    if (outcome instanceof Refusal) throw outcome;
    return outcome;
  };
}

function requireIds({ roomId, trackId, replyToId }: NewMessage): void {
  if (!isId('Room', roomId)) throw new Refusal(notFound('input.roomId', roomId, 'There is no such room.'));
  if (trackId != null && !isId('Track', trackId))
    throw new Refusal(notFound('input.trackId', trackId, 'There is no such track.'));
  if (replyToId != null && !isId('Message', replyToId))
    throw new Refusal(notFound('input.replyToId', replyToId, 'There is no such message in this room.'));
}

/** Null for each that has to be tried alone. */
async function sendTogether(deps: SendingDeps, sendings: readonly Sending[]): Promise<(Outcome | null)[]> {
  const roomIds = new Set(sendings.map(({ input }) => input.roomId));
  try {
    return await deps.events.transact(async (tx) => {
      const locked = await lockRooms(tx.em, [...roomIds], 'skip');
      const writable = sendings.filter(({ input }) => locked.has(input.roomId));
      const draft = await readDraft(tx.em, writable, deps.now());
      const outcomes = new Map(writable.map((sending) => [sending, decide(draft, sending)]));
      await save(tx, draft);
      return sendings.map((sending) => outcomes.get(sending) ?? null);
    });
  } catch (error) {
    deps.log.warn({ messages: sendings.length, reason: messageOf(error) }, 'messages not written together');
    return sendings.map(() => null);
  }
}

const sendAlone = (deps: SendingDeps, sending: Sending): Promise<Message> =>
  deps.events.transact(async (tx) => {
    await lockRooms(tx.em, [sending.input.roomId], 'wait');
    const draft = await readDraft(tx.em, [sending], deps.now());
    const message = draft.add(sending);
    await save(tx, draft);
    return message;
  });

function decide(draft: MessageDraft, sending: Sending): Outcome {
  try {
    return draft.add(sending);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

async function save({ em, appendAll }: Transaction, { added }: MessageDraft): Promise<void> {
  if (added.length === 0) return;
  await insertMessages(
    em,
    added.map(({ message }) => message),
  );
  await appendAll(added.map(creationOf));
}

const creationOf = ({ message, room }: MessageDraft['added'][number]): NewEvent<'message.created'> => ({
  stream: streamOf(room.id),
  name: 'message.created',
  payload: { roomId: room.id, messageId: message.id, authorId: message.authorId, roomKind: room.kind },
  actorId: message.authorId,
});

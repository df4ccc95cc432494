import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { DISCONNECT_REASONS, type DisconnectReason } from '#schema/media-bus.ts';
import { findLiveRoomIds } from './data/live-room.repository.ts';
import {
  deleteBlock,
  deleteChatMember,
  saveBlock,
  saveChatMember,
  saveChatRoom,
  savePerson,
} from './data/neighbour.repository.ts';
import { findParticipantsById } from './data/participant.repository.ts';
import { tellAudience } from './service/audience.ts';
import type { Eviction } from './service/eviction.ts';
import type { MediaOrders } from './service/media-orders.ts';
import type { Presence } from './service/presence.ts';
import type { RecordingReports } from './service/recording-reports.ts';
import type { RecordingWatch } from './service/recording-watch.ts';

export interface ReactionsDeps {
  readonly events: Events;
  readonly presence: Presence;
  readonly orders: MediaOrders;
  readonly eviction: Eviction;
  readonly recordingReports: RecordingReports;
  readonly recordingWatch: RecordingWatch;
}

/** What this subgraph does when something happens elsewhere, and what it tells media servers when something happened here. */
export function registerReactions(deps: ReactionsDeps): void {
  const { events, presence, orders, eviction } = deps;
  registerRecordings(deps);

  events.consume(
    'stream-media',
    ['media.participantConnected', 'media.participantDisconnected'],
    (event, tx) =>
      event.name === 'media.participantConnected'
        ? presence.connected(tx, event.payload)
        : presence.disconnected(tx, event.payload, reasonOf(event.payload.reason)),
  );

  events.consume('stream-blocks', ['user.blocked', 'user.unblocked'], async (event, tx) => {
    const { blockerId, blockedId } = event.payload;
    if (event.name === 'user.unblocked') return deleteBlock(tx.em, blockerId, blockedId);
    await saveBlock(tx.em, blockerId, blockedId);
    await eviction.evict(tx, await findLiveRoomIds(tx.em, { hostId: blockerId }), blockedId);
  });

  events.consume('stream-people', ['user.registered', 'user.profileUpdated'], ({ seq, payload }, tx) =>
    savePerson(tx.em, { ...payload, seq }),
  );

  events.consume(
    'stream-chat-rooms',
    ['room.created', 'room.updated', 'room.memberJoined', 'room.memberLeft'],
    async (event, tx) => {
      const { roomId } = event.payload;
      if (event.name === 'room.memberJoined') return saveChatMember(tx.em, roomId, event.payload.userId);
      if (event.name === 'room.memberLeft') return forgetMember(tx, eviction, roomId, event.payload.userId);
      await saveChatRoom(tx.em, roomId, event.payload.visibility);
      if (event.payload.visibility === 'PRIVATE') tellAudience(tx, roomId, null);
      if (event.name === 'room.created') await saveChatMember(tx.em, roomId, event.payload.ownerId);
    },
  );

  events.consume(
    'stream-media-orders',
    ['liveRoom.participantChanged', 'liveRoom.ended'],
    async (event, tx) => {
      const { liveRoomId } = event.payload;
      if (event.name === 'liveRoom.ended') return orders.send({ kind: 'endRoom', liveRoomId });
      await orderState(tx, orders, event.payload.participantId);
    },
  );
}

function registerRecordings({ events, recordingReports, recordingWatch }: ReactionsDeps): void {
  events.consume(
    'stream-recordings',
    ['media.recordingStarted', 'media.recordingFailed', 'media.recordingFinished'],
    (event, tx) => {
      if (event.name === 'media.recordingStarted') return recordingReports.started(tx, event.payload);
      if (event.name === 'media.recordingFailed') return recordingReports.failed(tx, event.payload);
      return recordingReports.finished(tx, event.payload);
    },
  );
  events.consume('stream-recording-orders', ['liveRoom.recordingChanged'], ({ payload }) =>
    recordingWatch.order(payload.recordingId),
  );
}

// What is ordered is the state of now, not of the event: an event that comes late or twice must not bring an old role back.
async function orderState({ em }: Transaction, orders: MediaOrders, participantId: string): Promise<void> {
  const [participant] = await findParticipantsById(em, [participantId]);
  if (!participant) return;
  const { liveRoomId, role, muted } = participant;
  await orders.send({ kind: 'setRole', liveRoomId, participantId, role });
  await orders.send({ kind: 'mute', liveRoomId, participantId, muted });
}

async function forgetMember(
  tx: Transaction,
  eviction: Eviction,
  chatRoomId: string,
  userId: string,
): Promise<void> {
  await deleteChatMember(tx.em, chatRoomId, userId);
  tellAudience(tx, chatRoomId, userId);
  await eviction.evictFromHidden(tx, await findLiveRoomIds(tx.em, { chatRoomId }), userId);
}

const reasonOf = (reason: string): DisconnectReason =>
  DISCONNECT_REASONS.find((known) => known === reason) ?? 'CONNECTION_LOST';

import type { Transaction } from '#platform/events/unit-of-work.ts';
import { findVisibleRooms, lockRoom } from '../data/live-room.repository.ts';
import { findParticipantsOf } from '../data/participant.repository.ts';
import { isPresent } from '../domain/participant.ts';
import type { MediaOrders } from './media-orders.ts';
import { recordLeft } from './participation.ts';

/** Puts people out of live rooms for what happened elsewhere. A host stays in their own. */
export interface Eviction {
  evict(tx: Transaction, liveRoomIds: readonly string[], userId: string): Promise<void>;
  /** Out of those rooms that they can no longer see. */
  evictFromHidden(tx: Transaction, liveRoomIds: readonly string[], userId: string): Promise<void>;
}

export function createEviction({ orders, now }: { orders: MediaOrders; now: () => Date }): Eviction {
  const evict: Eviction['evict'] = async (tx, liveRoomIds, userId) => {
    // Sorted, so that two that lock several rooms cannot wait for each other.
    for (const liveRoomId of liveRoomIds.toSorted()) {
      const room = await lockRoom(tx.em, liveRoomId, 'platform');
      const [participant] = await findParticipantsOf(tx.em, userId, [liveRoomId]);
      if (!room || !participant || !isPresent(participant) || room.hostId === userId) continue;
      await recordLeft(tx, participant, 'REMOVED', null, now());
      const { id: participantId } = participant;
      await orders.trySend({ kind: 'remove', liveRoomId, participantId, reason: 'REMOVED' });
    }
  };
  return {
    evict,
    async evictFromHidden(tx, liveRoomIds, userId) {
      const visible = new Set((await findVisibleRooms(tx.em, userId, liveRoomIds)).map(({ id }) => id));
      await evict(
        tx,
        liveRoomIds.filter((id) => !visible.has(id)),
        userId,
      );
    },
  };
}

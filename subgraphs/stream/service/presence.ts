import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { DisconnectReason } from '#schema/media-bus.ts';
import { lockRoom } from '../data/live-room.repository.ts';
import { findParticipantsById, saveParticipant } from '../data/participant.repository.ts';
import {
  canResume,
  endsConnection,
  isResumable,
  judgeConnected,
  judgeDisconnected,
  type LiveParticipant,
} from '../domain/participant.ts';
import type { MediaOrders } from './media-orders.ts';
import { recordJoined, recordLeft } from './participation.ts';

type Place = Pick<Connection, 'liveRoomId' | 'participantId'>;

/** What a media server says of one participant. */
export interface Connection {
  readonly liveRoomId: string;
  readonly participantId: string;
  readonly serverId: string;
}

/** Takes note of who is connected, in the caller's transaction. Reports may come twice, and late. */
export interface Presence {
  connected(tx: Transaction, connection: Connection): Promise<void>;
  /** A connection that may be resumed is only noted as lost: others are told when it was not. */
  disconnected(tx: Transaction, connection: Connection, reason: DisconnectReason): Promise<void>;
  /** Ends the stay of somebody who was lost and did not come back in time. */
  lapsed(tx: Transaction, place: Place): Promise<void>;
}

export function createPresence({ orders, now }: { orders: MediaOrders; now: () => Date }): Presence {
  return {
    async connected(tx, connection) {
      const { liveRoomId, participantId, serverId } = connection;
      const participant = await findHere(tx, connection);
      if (participant === 'over') return orders.trySend({ kind: 'endRoom', liveRoomId });
      if (participant === null) return;
      const verdict = judgeConnected(participant);
      if (verdict === 'remove') {
        const reason = participant.banned ? 'BANNED' : 'REMOVED';
        await orders.trySend({ kind: 'remove', liveRoomId, participantId, reason });
      } else if (verdict === 'joined') await recordJoined(tx, participant, serverId, now());
      else {
        const here = { serverId, connectedAt: now(), lostAt: null, lostReason: null };
        await saveParticipant(tx.em, participantId, here);
      }
    },

    async disconnected(tx, connection, reason) {
      const participant = await findHere(tx, connection);
      if (participant === null || participant === 'over') return;
      if (!endsConnection(participant, connection.serverId)) return;
      if (!isResumable(reason))
        await recordLeft(tx, participant, judgeDisconnected(participant, reason), null, now());
      else if (participant.lostAt === null)
        await saveParticipant(tx.em, participant.id, { lostAt: now(), lostReason: reason });
    },

    async lapsed(tx, place) {
      const participant = await findHere(tx, place);
      if (participant === null || participant === 'over' || participant.lostReason === null) return;
      if (!canResume(participant, now()))
        await recordLeft(tx, participant, participant.lostReason, null, now());
    },
  };
}

/** The participant with their room locked; `over` where the room has ended, null where there is none. */
async function findHere(
  { em }: Transaction,
  { liveRoomId, participantId }: Place,
): Promise<LiveParticipant | 'over' | null> {
  const room = await lockRoom(em, liveRoomId, 'platform');
  const [participant] = await findParticipantsById(em, [participantId]);
  if (room === null || participant?.liveRoomId !== liveRoomId) return null;
  return room.state === 'ENDED' ? 'over' : participant;
}

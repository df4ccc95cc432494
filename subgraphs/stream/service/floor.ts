import type { LiveRole } from '#schema/live-role.ts';
import type { Em } from '#platform/database.ts';
import { notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { isId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findParticipantsById, findParticipantsOf, saveParticipant } from '../data/participant.repository.ts';
import { requireLive } from '../domain/live-room.ts';
import {
  requireMayLower,
  requireMayMute,
  requireMayRaise,
  requireMayRemove,
  requireMaySetRole,
  requirePresent,
  type LiveParticipant,
} from '../domain/participant.ts';
import { requireRoom } from './live-rooms.ts';
import type { MediaOrders } from './media-orders.ts';
import { recordChange, recordHand, recordLeft } from './participation.ts';

/** Who may speak in a live room. Every change answers with the participant as they are after it; what was so already stays so. */
export interface Floor {
  raiseHand(viewer: Viewer, liveRoomId: string): Promise<LiveParticipant>;
  /** `participantId` null: the viewer's own. */
  lowerHand(viewer: Viewer, liveRoomId: string, participantId: string | null): Promise<LiveParticipant>;
  setRole(
    viewer: Viewer,
    liveRoomId: string,
    participantId: string,
    role: LiveRole,
  ): Promise<LiveParticipant>;
  mute(viewer: Viewer, liveRoomId: string, participantId: string, muted: boolean): Promise<LiveParticipant>;
  remove(viewer: Viewer, liveRoomId: string, participantId: string, ban: boolean): Promise<LiveParticipant>;
}

export interface FloorDeps {
  readonly events: Events;
  readonly orders: MediaOrders;
  readonly now: () => Date;
}

interface Scene {
  readonly tx: Transaction;
  readonly actor: LiveParticipant;
  readonly target: LiveParticipant;
}

type Act = (scene: Scene) => Promise<LiveParticipant>;

export function createFloor({ events, orders, now }: FloorDeps): Floor {
  const act = (viewer: Viewer, liveRoomId: string, participantId: string | null, run: Act) =>
    events.transact(async (tx) => run(await enter(tx, viewer.userId, liveRoomId, participantId)));

  return {
    raiseHand: (viewer, liveRoomId) =>
      act(viewer, liveRoomId, null, async ({ tx, actor }) => {
        requireMayRaise(actor);
        return actor.handRaisedAt ? actor : recordHand(tx, actor, now(), actor.userId);
      }),

    lowerHand: (viewer, liveRoomId, participantId) =>
      act(viewer, liveRoomId, participantId, async ({ tx, actor, target }) => {
        requireMayLower(actor, target);
        return target.handRaisedAt ? recordHand(tx, target, null, actor.userId) : target;
      }),

    setRole: (viewer, liveRoomId, participantId, role) =>
      act(viewer, liveRoomId, participantId, async (scene) => {
        requireMaySetRole(scene.actor, scene.target, role);
        return setRole(scene, role);
      }),

    mute: (viewer, liveRoomId, participantId, muted) =>
      act(viewer, liveRoomId, participantId, async ({ tx, actor, target }) => {
        requireMayMute(actor, target);
        return target.muted === muted ? target : recordChange(tx, target, { muted }, actor.userId);
      }),

    async remove(viewer, liveRoomId, participantId, ban) {
      const removed = await act(viewer, liveRoomId, participantId, async (scene) => {
        requireMayRemove(scene.actor, scene.target);
        return removeTarget(scene, ban, now());
      });
      const reason = ban ? 'BANNED' : 'REMOVED';
      await orders.trySend({ kind: 'remove', liveRoomId, participantId, reason });
      return removed;
    },
  };
}

/** Locks the room and finds who acts on whom; both are decided on as they are under the lock. */
async function enter(
  tx: Transaction,
  userId: string,
  liveRoomId: string,
  participantId: string | null,
): Promise<Scene> {
  const room = await requireRoom(tx.em, liveRoomId, userId, 'liveRoomId');
  const [own = null] = await findParticipantsOf(tx.em, userId, [liveRoomId]);
  requireLive(room, 'liveRoomId');
  const actor = requirePresent(own, 'liveRoomId');
  const target = participantId === null ? actor : await requireTarget(tx.em, liveRoomId, participantId);
  return { tx, actor, target };
}

async function requireTarget(em: Em, liveRoomId: string, id: string): Promise<LiveParticipant> {
  const [target] = isId('LiveParticipant', id) ? await findParticipantsById(em, [id]) : [];
  if (target?.liveRoomId === liveRoomId) return target;
  throw new Refusal(notFound('participantId', id, 'There is no such participant in this room.'));
}

async function setRole({ tx, actor, target }: Scene, role: LiveRole): Promise<LiveParticipant> {
  // Given the word, or told to listen: either way the question is answered.
  const answered = target.handRaisedAt ? await recordHand(tx, target, null, actor.userId) : target;
  return answered.role === role ? answered : recordChange(tx, answered, { role }, actor.userId);
}

async function removeTarget({ tx, actor, target }: Scene, ban: boolean, now: Date): Promise<LiveParticipant> {
  const banned = target.banned || ban;
  await saveParticipant(tx.em, target.id, { banned });
  const left = await recordLeft(tx, target, banned ? 'BANNED' : 'REMOVED', actor.userId, now);
  return { ...left, banned };
}

import { maySpeak, type LiveRole } from '#schema/live-role.ts';
import type { Em } from '#platform/database.ts';
import { notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { isId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import {
  findLastHand,
  findParticipantsById,
  findParticipantsOf,
  findVoices,
  saveParticipant,
} from '../data/participant.repository.ts';
import type { LoggedLiveRoom } from '../data/live-room.repository.ts';
import { requireLive, requireVoiceFor } from '../domain/live-room.ts';
import {
  handBusyAfter,
  mayMute,
  raisedBehind,
  requireInvited,
  requireMayInvite,
  requireMayLower,
  requireMayMuteAll,
  requireMayMute,
  requireMayRaise,
  requireMayRemove,
  requireMaySetRole,
  requireMayUnban,
  requirePresent,
  type LiveParticipant,
} from '../domain/participant.ts';
import { readAgain, requireRoom } from './live-rooms.ts';
import type { MediaOrders } from './media-orders.ts';
import { recordChange, recordHand, recordInvitation, recordLeft, recordUnbanned } from './participation.ts';

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
  /** Mutes whoever speaks and is below the viewer. */
  muteAll(viewer: Viewer, liveRoomId: string): Promise<LoggedLiveRoom>;
  /** Inviting twice changes nothing. */
  invite(viewer: Viewer, liveRoomId: string, participantId: string): Promise<LiveParticipant>;
  answerInvitation(viewer: Viewer, liveRoomId: string, accept: boolean): Promise<LiveParticipant>;
  remove(viewer: Viewer, liveRoomId: string, participantId: string, ban: boolean): Promise<LiveParticipant>;
  /** They come back as a listener, and only once they join. */
  unban(viewer: Viewer, liveRoomId: string, participantId: string): Promise<LiveParticipant>;
}

export interface FloorDeps {
  readonly events: Events;
  readonly orders: MediaOrders;
  readonly now: () => Date;
}

interface Scene {
  readonly tx: Transaction;
  readonly room: LoggedLiveRoom;
  readonly actor: LiveParticipant;
  readonly target: LiveParticipant;
}

type Act<T> = (scene: Scene) => Promise<T>;

type Acting = <T>(
  viewer: Viewer,
  liveRoomId: string,
  participantId: string | null,
  run: Act<T>,
) => Promise<T>;

export function createFloor({ events, orders, now }: FloorDeps): Floor {
  const act: Acting = (viewer, liveRoomId, participantId, run) =>
    events.transact(async (tx) => run(await enter(tx, viewer.userId, liveRoomId, participantId)));

  return {
    ...createHands(act, now),
    ...createVoices(act, now),
    async remove(viewer, liveRoomId, participantId, ban) {
      const removed = await act(viewer, liveRoomId, participantId, async (scene) => {
        requireMayRemove(scene.actor, scene.target);
        return removeTarget(scene, ban, now());
      });
      const reason = ban ? 'BANNED' : 'REMOVED';
      await orders.trySend({ kind: 'remove', liveRoomId, participantId, reason });
      return removed;
    },
    async unban(viewer, liveRoomId, participantId) {
      const unbanned = await act(viewer, liveRoomId, participantId, async ({ tx, actor, target }) => {
        requireMayUnban(actor, target);
        return target.banned ? recordUnbanned(tx, target, actor.userId) : target;
      });
      // Also where nothing has changed: the order of the first time may be lost.
      await orders.trySend({ kind: 'recheckListeners', liveRoomId });
      return unbanned;
    },
  };
}

function createHands(act: Acting, now: () => Date): Pick<Floor, 'raiseHand' | 'lowerHand'> {
  return {
    raiseHand: (viewer, liveRoomId) =>
      act(viewer, liveRoomId, null, async ({ tx, actor }) => {
        requireMayRaise(actor);
        if (actor.handRaisedAt) return actor;
        const handBusyUntil = handBusyAfter(actor, now());
        await saveParticipant(tx.em, actor.id, { handBusyUntil });
        const at = raisedBehind(await findLastHand(tx.em, liveRoomId), now());
        return recordHand(tx, { ...actor, handBusyUntil }, at, actor.userId);
      }),

    lowerHand: (viewer, liveRoomId, participantId) =>
      act(viewer, liveRoomId, participantId, async ({ tx, actor, target }) => {
        requireMayLower(actor, target);
        return target.handRaisedAt ? recordHand(tx, target, null, actor.userId) : target;
      }),
  };
}

type Voices = Pick<Floor, 'setRole' | 'mute' | 'muteAll' | 'invite' | 'answerInvitation'>;

function createVoices(act: Acting, now: () => Date): Voices {
  return {
    setRole: (viewer, liveRoomId, participantId, role) =>
      act(viewer, liveRoomId, participantId, async (scene) => {
        requireMaySetRole(scene.actor, scene.target, role);
        return setRole(scene, role, now());
      }),

    mute: (viewer, liveRoomId, participantId, muted) =>
      act(viewer, liveRoomId, participantId, async ({ tx, actor, target }) => {
        requireMayMute(actor, target);
        return target.muted === muted ? target : recordChange(tx, target, { muted }, actor.userId);
      }),

    muteAll: (viewer, liveRoomId) =>
      act(viewer, liveRoomId, null, async ({ tx, room, actor }) => {
        requireMayMuteAll(actor);
        for (const target of await findVoices(tx.em, liveRoomId))
          if (mayMute(actor, target) && !target.muted)
            await recordChange(tx, target, { muted: true }, actor.userId);
        return readAgain(tx.em, room);
      }),

    invite: (viewer, liveRoomId, participantId) =>
      act(viewer, liveRoomId, participantId, async ({ tx, actor, target }) => {
        requireMayInvite(actor, target);
        return target.invitedAt ? target : recordInvitation(tx, target, 'INVITED', actor.userId, now());
      }),

    answerInvitation: (viewer, liveRoomId, accept) =>
      act(viewer, liveRoomId, null, async (scene) => {
        requireInvited(scene.actor);
        return accept ? setRole(scene, 'SPEAKER', now()) : endInvitation(scene, 'DECLINED', now());
      }),
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
  return { tx, room, actor, target };
}

async function requireTarget(em: Em, liveRoomId: string, id: string): Promise<LiveParticipant> {
  const [target] = isId('LiveParticipant', id) ? await findParticipantsById(em, [id]) : [];
  if (target?.liveRoomId === liveRoomId) return target;
  throw new Refusal(notFound('participantId', id, 'There is no such participant in this room.'));
}

async function setRole(scene: Scene, role: LiveRole, now: Date): Promise<LiveParticipant> {
  const { tx, room, actor, target } = scene;
  if (maySpeak(role) && !maySpeak(target.role)) {
    const others = (await findVoices(tx.em, room.id)).filter(({ id }) => id !== target.id);
    requireVoiceFor(room, others.length);
  }
  // Given the word, or told to listen: either way the question is answered, and so is an invitation.
  const asked = target.handRaisedAt ? await recordHand(tx, target, null, actor.userId) : target;
  const isAcceptance = actor.id === target.id && maySpeak(role);
  const answered = await endInvitation(
    { ...scene, target: asked },
    isAcceptance ? 'ACCEPTED' : 'WITHDRAWN',
    now,
  );
  return answered.role === role ? answered : recordChange(tx, answered, { role }, actor.userId);
}

async function endInvitation(
  { tx, actor, target }: Scene,
  state: 'ACCEPTED' | 'DECLINED' | 'WITHDRAWN',
  now: Date,
): Promise<LiveParticipant> {
  return target.invitedAt ? recordInvitation(tx, target, state, actor.userId, now) : target;
}

async function removeTarget({ tx, actor, target }: Scene, ban: boolean, now: Date): Promise<LiveParticipant> {
  const banned = target.banned || ban;
  await saveParticipant(tx.em, target.id, { banned });
  const left = await recordLeft(tx, target, banned ? 'BANNED' : 'REMOVED', actor.userId, now);
  return { ...left, banned };
}

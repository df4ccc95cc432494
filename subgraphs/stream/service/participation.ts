import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { EventPayload } from '#schema/events.ts';
import { MAX_LISTED_LISTENERS } from '#schema/signalling.ts';
import { countListed, saveParticipant } from '../data/participant.repository.ts';
import {
  departed,
  mayBeUnlisted,
  unbanned,
  type LeaveReason,
  type LiveParticipant,
} from '../domain/participant.ts';
import { noteListeners } from './listener-counts.ts';

/** What several use cases record about a participant, each in the caller's transaction with the room locked. `actorId` is null for the platform. */

/** Of listeners as many are told of one by one as media servers list; of further ones the number alone, which the log has no events of. */
export async function recordJoined(
  tx: Transaction,
  participant: LiveParticipant,
  serverId: string,
  now: Date,
): Promise<void> {
  const here = { status: 'CONNECTED' as const, leftAt: null, leaveReason: null };
  const { id, liveRoomId } = participant;
  const listed = !mayBeUnlisted(participant) || (await countListed(tx.em, liveRoomId)) < MAX_LISTED_LISTENERS;
  await saveParticipant(tx.em, id, { ...here, serverId, connectedAt: now, listed });
  await (listed ? tellJoined(tx, participant) : noteListeners(tx, liveRoomId));
}

async function tellJoined(tx: Transaction, participant: LiveParticipant): Promise<void> {
  const payload = { ...about(participant), role: participant.role };
  await tx.append({ ...streamOf(participant), name: 'liveRoom.participantJoined', payload, actorId: null });
}

/** Something is told of them: whoever was only counted so far is told of first. */
async function introduce(tx: Transaction, participant: LiveParticipant): Promise<void> {
  const { id, liveRoomId, status, listed } = participant;
  if (status !== 'CONNECTED' || listed) return;
  await saveParticipant(tx.em, id, { listed: true });
  await tellJoined(tx, participant);
  await noteListeners(tx, liveRoomId);
}

/** Those who never connected leave without an event, as those who were only counted: nobody was told that they came. */
export async function recordLeft(
  tx: Transaction,
  participant: LiveParticipant,
  reason: LeaveReason,
  actorId: string | null,
  now: Date,
): Promise<LiveParticipant> {
  const left = departed(reason, now);
  await saveParticipant(tx.em, participant.id, left);
  const { status, listed, liveRoomId } = participant;
  // What moderators do is in the log, whoever it is done to.
  const isPutOut = reason === 'REMOVED' || reason === 'BANNED';
  if (isPutOut) await introduce(tx, participant);
  if (status === 'CONNECTED' && !listed && !isPutOut) await noteListeners(tx, liveRoomId);
  else if (status === 'CONNECTED') {
    const payload = { ...about(participant), reason };
    await tx.append({ ...streamOf(participant), name: 'liveRoom.participantLeft', payload, actorId });
  }
  return { ...participant, ...left };
}

export async function recordUnbanned(
  tx: Transaction,
  participant: LiveParticipant,
  actorId: string,
): Promise<LiveParticipant> {
  await saveParticipant(tx.em, participant.id, unbanned);
  const payload = about(participant);
  await tx.append({ ...streamOf(participant), name: 'liveRoom.participantUnbanned', payload, actorId });
  return { ...participant, ...unbanned };
}

export async function recordHand(
  tx: Transaction,
  participant: LiveParticipant,
  handRaisedAt: Date | null,
  actorId: string,
): Promise<LiveParticipant> {
  await introduce(tx, participant);
  await saveParticipant(tx.em, participant.id, { handRaisedAt });
  const payload = { ...about(participant), raised: handRaisedAt !== null };
  await tx.append({ ...streamOf(participant), name: 'liveRoom.handChanged', payload, actorId });
  return { ...participant, handRaisedAt, listed: true };
}

/** `INVITED`, or how an invitation ended. */
export type InvitationState = EventPayload<'liveRoom.invitationChanged'>['state'];

export async function recordInvitation(
  tx: Transaction,
  participant: LiveParticipant,
  state: InvitationState,
  actorId: string,
  now: Date,
): Promise<LiveParticipant> {
  const invitedAt = state === 'INVITED' ? now : null;
  await introduce(tx, participant);
  await saveParticipant(tx.em, participant.id, { invitedAt });
  const payload = { ...about(participant), state };
  await tx.append({ ...streamOf(participant), name: 'liveRoom.invitationChanged', payload, actorId });
  return { ...participant, invitedAt, listed: true };
}

export async function recordChange(
  tx: Transaction,
  participant: LiveParticipant,
  change: Partial<Pick<LiveParticipant, 'role' | 'muted'>>,
  actorId: string,
): Promise<LiveParticipant> {
  await introduce(tx, participant);
  await saveParticipant(tx.em, participant.id, change);
  const after = { ...participant, ...change, listed: true };
  const payload = { ...about(after), role: after.role, muted: after.muted };
  await tx.append({ ...streamOf(after), name: 'liveRoom.participantChanged', payload, actorId });
  return after;
}

const streamOf = ({ liveRoomId }: LiveParticipant) => ({ stream: `live-room:${liveRoomId}` });

const about = ({ id: participantId, liveRoomId, userId }: LiveParticipant) => ({
  liveRoomId,
  participantId,
  userId,
});

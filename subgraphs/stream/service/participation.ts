import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { EventPayload } from '#schema/events.ts';
import { saveParticipant } from '../data/participant.repository.ts';
import { departed, type LeaveReason, type LiveParticipant } from '../domain/participant.ts';

/** What several use cases record about a participant, each in the caller's transaction with the room locked. `actorId` is null for the platform. */

export async function recordJoined(
  tx: Transaction,
  participant: LiveParticipant,
  serverId: string,
  now: Date,
): Promise<void> {
  const here = { status: 'CONNECTED' as const, leftAt: null, leaveReason: null };
  await saveParticipant(tx.em, participant.id, { ...here, serverId, connectedAt: now });
  const { role } = participant;
  const payload = { ...about(participant), role };
  await tx.append({ ...streamOf(participant), name: 'liveRoom.participantJoined', payload, actorId: null });
}

/** Those who never connected leave without an event: nobody was told that they came. */
export async function recordLeft(
  tx: Transaction,
  participant: LiveParticipant,
  reason: LeaveReason,
  actorId: string | null,
  now: Date,
): Promise<LiveParticipant> {
  const left = departed(reason, now);
  await saveParticipant(tx.em, participant.id, left);
  if (participant.status === 'CONNECTED') {
    const payload = { ...about(participant), reason };
    await tx.append({ ...streamOf(participant), name: 'liveRoom.participantLeft', payload, actorId });
  }
  return { ...participant, ...left };
}

export async function recordHand(
  tx: Transaction,
  participant: LiveParticipant,
  handRaisedAt: Date | null,
  actorId: string,
): Promise<LiveParticipant> {
  await saveParticipant(tx.em, participant.id, { handRaisedAt });
  const payload = { ...about(participant), raised: handRaisedAt !== null };
  await tx.append({ ...streamOf(participant), name: 'liveRoom.handChanged', payload, actorId });
  return { ...participant, handRaisedAt };
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
  await saveParticipant(tx.em, participant.id, { invitedAt });
  const payload = { ...about(participant), state };
  await tx.append({ ...streamOf(participant), name: 'liveRoom.invitationChanged', payload, actorId });
  return { ...participant, invitedAt };
}

export async function recordChange(
  tx: Transaction,
  participant: LiveParticipant,
  change: Partial<Pick<LiveParticipant, 'role' | 'muted'>>,
  actorId: string,
): Promise<LiveParticipant> {
  await saveParticipant(tx.em, participant.id, change);
  const after = { ...participant, ...change };
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

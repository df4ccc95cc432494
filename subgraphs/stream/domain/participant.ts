import { DISCONNECT_REASONS, RESUME_WINDOW_MS, type DisconnectReason } from '#schema/media-bus.ts';
import { maySpeak, type LiveRole } from '#schema/live-role.ts';
import { conflict, forbidden, invalid, rateLimited, Refusal } from '#platform/errors.ts';

/** JOINING: has a grant, and the media server has not seen them yet. */
export type ParticipantStatus = 'JOINING' | 'CONNECTED' | 'LEFT';

/** Why somebody is no longer there: what media servers say of it, and what is decided here. */
export const LEAVE_REASONS = DISCONNECT_REASONS;
export type LeaveReason = DisconnectReason;

/** One person in one live room; the row outlives coming and going. */
export interface LiveParticipant {
  readonly id: string;
  readonly liveRoomId: string;
  readonly userId: string;
  readonly role: LiveRole;
  readonly status: ParticipantStatus;
  readonly joinedAt: Date;
  /** When the latest grant was given. */
  readonly grantedAt: Date;
  readonly connectedAt: Date | null;
  /** Media server that reported the connection. */
  readonly serverId: string | null;
  /** When their connection broke, while they may still resume it: to others they have not left. */
  readonly lostAt: Date | null;
  /** What they will have left for unless they come back. */
  readonly lostReason: LeaveReason | null;
  readonly leftAt: Date | null;
  readonly leaveReason: LeaveReason | null;
  /** Muted by a moderator. */
  readonly muted: boolean;
  readonly handRaisedAt: Date | null;
  /** Until when their hand has been up too often lately; null where it never was. */
  readonly handBusyUntil: Date | null;
  /** When they were invited to speak; null unless they have still to answer. */
  readonly invitedAt: Date | null;
  readonly banned: boolean;
  /** Others are told of them one by one; a listener of whom they are not is only counted. */
  readonly listed: boolean;
}

const RANK: Readonly<Record<LiveRole, number>> = { HOST: 3, MODERATOR: 2, SPEAKER: 1, LISTENER: 0 };

export const isPresent = ({ status }: LiveParticipant): boolean => status !== 'LEFT';

/** What keeps someone out who may see the room. */
export function requireWelcome(participant: LiveParticipant | null, blockedByHost: boolean): void {
  if (participant?.banned || blockedByHost)
    throw new Refusal(forbidden('You cannot join this room.', null, 'id'));
}

/** The actor must be in the room; who is not has no say in it. */
export function requirePresent(participant: LiveParticipant | null, field: string): LiveParticipant {
  if (participant && isPresent(participant)) return participant;
  throw new Refusal(forbidden('Join the room first.', null, field));
}

/** Moderators decide about speakers and listeners, the host about everyone else; nobody about equals. */
function requireAbove(actor: LiveParticipant, target: LiveParticipant): void {
  if (mayMute(actor, target)) return;
  throw new Refusal(forbidden('Your role in this room does not allow this.', 'MODERATOR', 'participantId'));
}

/** Whether the actor decides about the target's voice. */
export const mayMute = (actor: LiveParticipant, target: LiveParticipant): boolean =>
  moderates(actor) && RANK[actor.role] > RANK[target.role];

/** Only hosts and moderators have others to decide about. */
export const moderates = ({ role }: LiveParticipant): boolean => RANK[role] >= RANK.MODERATOR;

export function requireMayMuteAll(actor: LiveParticipant): void {
  if (moderates(actor)) return;
  throw new Refusal(forbidden('Your role in this room does not allow this.', 'MODERATOR', 'liveRoomId'));
}

export const requireMayMute = requireAbove;
export const requireMayRemove = requireAbove;
/** Whoever may ban them may let them back in. */
export const requireMayUnban = requireAbove;

/** Anyone may step down to LISTENER but the host, without whom the room has none. */
export function requireMaySetRole(actor: LiveParticipant, target: LiveParticipant, role: LiveRole): void {
  if (role === 'HOST')
    throw new Refusal(invalid('role', 'ONE_HOST', 'A room keeps the host it was made by.'));
  if (actor.id === target.id && role === 'LISTENER' && actor.role !== 'HOST') return;
  requireAbove(actor, target);
  if (RANK[role] >= RANK[actor.role])
    throw new Refusal(forbidden('You can only give roles below your own.', 'HOST', 'role'));
}

export function requireMayLower(actor: LiveParticipant, target: LiveParticipant): void {
  if (actor.id !== target.id) requireAbove(actor, target);
}

/** Only listeners who are there have something to answer. */
export function requireMayInvite(actor: LiveParticipant, target: LiveParticipant): void {
  requireAbove(actor, target);
  if (!isPresent(target)) throw new Refusal(conflict('They are not in the room.', null, 'participantId'));
  if (maySpeak(target.role)) throw new Refusal(conflict('They may speak already.', null, 'participantId'));
}

export function requireInvited(participant: LiveParticipant): void {
  if (participant.invitedAt === null)
    throw new Refusal(conflict('Nobody has invited you to speak.', null, 'liveRoomId'));
}

/** A place at the end of the queue: behind the last hand also where clocks differ, or two go up in one millisecond. */
export const raisedBehind = (last: LiveParticipant | null, now: Date): Date =>
  new Date(Math.max(now.getTime(), (last?.handRaisedAt?.getTime() ?? 0) + 1));

/** Everybody is told of a hand that goes up: so often in a row, and then once in so long. */
const HAND_EVERY_MS = 5_000;
const HANDS_IN_A_ROW = 5;

/** `handBusyUntil` after they have raised their hand once more. */
export function handBusyAfter({ handBusyUntil }: LiveParticipant, now: Date): Date {
  const busyMs = Math.max(0, (handBusyUntil?.getTime() ?? 0) - now.getTime());
  const waitMs = busyMs - (HANDS_IN_A_ROW - 1) * HAND_EVERY_MS;
  if (waitMs > 0)
    throw new Refusal(rateLimited('Your hand went up very often. Wait a little.', waitMs, 'liveRoomId'));
  return new Date(now.getTime() + busyMs + HAND_EVERY_MS);
}

/** Who may speak already has nothing to ask for. */
export function requireMayRaise(participant: LiveParticipant): void {
  if (maySpeak(participant.role)) throw new Refusal(conflict('You may speak already.', null, 'liveRoomId'));
}

/**
 * What a report of the media server that someone connected means. Who was removed holds a grant that the server should have refused, so it is
 * told again.
 */
export function judgeConnected(participant: LiveParticipant): 'joined' | 'known' | 'remove' {
  if (participant.banned || participant.leaveReason === 'REMOVED') return 'remove';
  return participant.status === 'CONNECTED' ? 'known' : 'joined';
}

/** Whether somebody who is gone for that reason may want to come back as if nothing had been. */
export const isResumable = (reason: DisconnectReason): boolean =>
  reason === 'CONNECTION_LOST' || reason === 'SERVER_SHUTDOWN';

export const lostBefore = (now: Date): Date => new Date(now.getTime() - RESUME_WINDOW_MS);

/** They are connected, or lost their connection so lately that nobody was told. */
export const canResume = ({ status, lostAt }: LiveParticipant, now: Date): boolean =>
  status === 'CONNECTED' && (lostAt === null || lostAt > lostBefore(now));

/** Whoever comes may be counted only where nobody knows of them: they do not speak, nor were asked to, nor ask to. */
export const mayBeUnlisted = ({ role, handRaisedAt, invitedAt }: LiveParticipant): boolean =>
  !maySpeak(role) && handRaisedAt === null && invitedAt === null;

/** What becomes of whoever leaves. */
export const departed = (reason: LeaveReason, now: Date) => ({
  status: 'LEFT' as const,
  leaveReason: reason,
  leftAt: now,
  lostAt: null,
  lostReason: null,
  handRaisedAt: null,
  invitedAt: null,
});

/** What becomes of whoever is banned no more. That a moderator removed them stays so, and a role that they had is given back by nobody but people. */
export const unbanned = { banned: false, role: 'LISTENER', leaveReason: 'REMOVED' } as const;

/**
 * Why somebody has left whom a media server reports as gone. By a ban they have left before it is ordered: where the report of one finds them here, the
 * order came late, after the ban was lifted, and met somebody who is back.
 */
export const judgeDisconnected = ({ banned }: LiveParticipant, reported: DisconnectReason): LeaveReason =>
  reported === 'BANNED' && !banned ? 'REMOVED' : reported;

/** A report that someone is gone counts only for the connection that is on record: they may be back by now, elsewhere. */
export const endsConnection = (participant: LiveParticipant, serverId: string): boolean =>
  participant.status === 'CONNECTED' && participant.serverId === serverId;

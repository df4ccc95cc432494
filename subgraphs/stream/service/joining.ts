import { maySpeak, type LiveRole } from '#schema/live-role.ts';
import type { Em } from '#platform/database.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { newId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import { MEDIA_GRANT_TTL_MS, signMediaGrant } from '#platform/media-grant.ts';
import type { Viewer } from '#platform/viewer.ts';
import type { LoggedLiveRoom } from '../data/live-room.repository.ts';
import { hasBlocked } from '../data/neighbour.repository.ts';
import {
  countOthers,
  findParticipantsOf,
  findVoices,
  insertParticipant,
  saveParticipant,
} from '../data/participant.repository.ts';
import { hasVoiceFor, requireLive, requireSpace, type LiveRoom } from '../domain/live-room.ts';
import { isPresent, requireWelcome, type LiveParticipant } from '../domain/participant.ts';
import type { IceServer, MediaLocation, MediaServers } from '../domain/ports.ts';
import { broadcastUrl } from './broadcasts.ts';
import { iceServers, type TurnOptions } from './ice-servers.ts';
import { readAgain, requireRoom } from './live-rooms.ts';
import type { MediaOrders } from './media-orders.ts';
import { createMediaRefusals } from './media-refusals.ts';
import { recordLeft } from './participation.ts';
import { resumes, signResumeKey } from './resuming.ts';

export interface LiveJoin {
  readonly __typename: 'LiveJoin';
  readonly participant: LiveParticipant;
  readonly liveRoom: LoggedLiveRoom;
  readonly mediaUrl: string;
  readonly token: string;
  readonly tokenExpiresAt: Date;
  readonly iceServers: IceServer[];
  readonly resumeKey: string;
  readonly resumed: boolean;
}

export interface Joining {
  /**
   * One participant per person and room: joining again gives a new grant for the same one. With the key of the join before, somebody whose
   * connection was lost comes back as if nothing had been; without it they have left by that, and come anew.
   */
  join(viewer: Viewer, liveRoomId: string, resumeKey: string | null): Promise<LiveJoin>;
  leave(viewer: Viewer, liveRoomId: string): Promise<LoggedLiveRoom>;
}

export interface JoiningDeps {
  readonly events: Events;
  readonly media: MediaServers;
  readonly orders: MediaOrders;
  readonly turn: TurnOptions | null;
  readonly secret: string;
  readonly log: Log;
  readonly now: () => Date;
}

interface Deps extends JoiningDeps {
  readonly unavailable: ReturnType<typeof createMediaRefusals>;
}

export function createJoining(options: JoiningDeps): Joining {
  const deps: Deps = { ...options, unavailable: createMediaRefusals(options) };
  return {
    join: (viewer, liveRoomId, resumeKey) => join(deps, viewer.userId, liveRoomId, resumeKey),
    leave: (viewer, liveRoomId) => leave(deps, viewer.userId, liveRoomId),
  };
}

interface Entry {
  readonly userId: string;
  readonly liveRoomId: string;
  readonly resumeKey: string | null;
  readonly location: MediaLocation;
  /** Where whoever finds no place may listen. */
  readonly broadcaster: MediaLocation;
}

async function join(
  deps: Deps,
  userId: string,
  liveRoomId: string,
  resumeKey: string | null,
): Promise<LiveJoin> {
  // Asked before the transaction: nobody shall wait for a lock while a server does not answer.
  const location = await deps.media.locate(liveRoomId);
  const broadcaster = await deps.media.locate(liveRoomId, 'listen');
  const entry = { userId, liveRoomId, resumeKey, location, broadcaster };
  const entered = await deps.events.transact((tx) => enter(deps, tx, entry));
  if (!location.available) throw deps.unavailable(location.reason);
  const { anew, ...joined } = entered;
  return {
    __typename: 'LiveJoin',
    ...joined,
    mediaUrl: location.url,
    ...grant(deps, joined.liveRoom, joined.participant, anew),
  };
}

async function enter(deps: Deps, tx: Transaction, entry: Entry) {
  const { userId, liveRoomId, resumeKey, location, broadcaster } = entry;
  const { em } = tx;
  const room = await requireRoom(em, liveRoomId, userId, 'id');
  const [known = null] = await findParticipantsOf(em, userId, [liveRoomId]);
  requireWelcome(known, await hasBlocked(em, room.hostId, userId));
  requireLive(room, 'id');
  const at = deps.now();
  const grantedSince = new Date(at.getTime() - MEDIA_GRANT_TTL_MS);
  const others = await countOthers(em, liveRoomId, userId, grantedSince);
  requireSpace(room, others, broadcastUrl(room, userId, broadcaster, deps));
  if (!location.available) throw deps.unavailable(location.reason);
  const resumed = known !== null && resumeKey !== null && resumes(known, resumeKey, deps.secret, at);
  const isGone = known?.lostReason != null && !resumed;
  const former = isGone ? await recordLeft(tx, known, known.lostReason, null, at) : known;
  const anew = isGone || known === null || !isPresent(known);
  const participant = await admit(em, room, userId, former, at);
  return { participant, liveRoom: isGone ? await readAgain(em, room) : room, resumed, anew };
}

async function admit(
  em: Em,
  room: LiveRoom,
  userId: string,
  known: LiveParticipant | null,
  at: Date,
): Promise<LiveParticipant> {
  if (known === null) {
    const participant = newParticipant(room, userId, at);
    await insertParticipant(em, participant);
    return participant;
  }
  const change = { ...(await changeOnEntry(em, room, known, at)), grantedAt: at };
  await saveParticipant(em, known.id, change);
  return { ...known, ...change };
}

async function changeOnEntry(
  em: Em,
  room: LiveRoom,
  known: LiveParticipant,
  at: Date,
): Promise<Partial<LiveParticipant>> {
  // Who resumes has the whole time again to connect.
  if (isPresent(known)) return known.lostAt === null ? {} : { lostAt: at };
  const role = await roleOnReturn(em, room, known);
  return { status: 'JOINING', leftAt: null, leaveReason: null, role };
}

// Others may have taken the word meanwhile: who comes back then listens.
async function roleOnReturn(em: Em, room: LiveRoom, { role }: LiveParticipant): Promise<LiveRole> {
  if (role === 'HOST' || !maySpeak(role)) return role;
  return hasVoiceFor(room, (await findVoices(em, room.id)).length) ? role : 'LISTENER';
}

const newParticipant = (room: LiveRoom, userId: string, at: Date): LiveParticipant => ({
  id: newId('LiveParticipant', at.getTime()),
  liveRoomId: room.id,
  userId,
  role: userId === room.hostId ? 'HOST' : 'LISTENER',
  status: 'JOINING',
  joinedAt: at,
  grantedAt: at,
  connectedAt: null,
  serverId: null,
  lostAt: null,
  lostReason: null,
  leftAt: null,
  leaveReason: null,
  muted: false,
  handRaisedAt: null,
  handBusyUntil: null,
  invitedAt: null,
  banned: false,
  listed: true,
});

function grant({ secret, turn }: JoiningDeps, room: LiveRoom, participant: LiveParticipant, anew: boolean) {
  const { id: participantId, userId, role, muted, grantedAt } = participant;
  const expiresAtMs = grantedAt.getTime() + MEDIA_GRANT_TTL_MS;
  const { id: liveRoomId, musicMode, capacity, maxSpeakers } = room;
  const limits = { capacity, maxSpeakers };
  const claims = { liveRoomId, participantId, userId, role, muted, musicMode, ...limits, anew, expiresAtMs };
  return {
    token: signMediaGrant(claims, secret),
    tokenExpiresAt: new Date(expiresAtMs),
    iceServers: iceServers(turn, userId, grantedAt),
    resumeKey: signResumeKey(participant, secret),
  };
}

async function leave(deps: JoiningDeps, userId: string, liveRoomId: string): Promise<LoggedLiveRoom> {
  const { room, gone } = await deps.events.transact(async (tx) => {
    const found = await requireRoom(tx.em, liveRoomId, userId, 'id');
    const [participant] = await findParticipantsOf(tx.em, userId, [liveRoomId]);
    if (!participant || !isPresent(participant)) return { room: found, gone: null };
    await recordLeft(tx, participant, 'CLIENT', userId, deps.now());
    return { room: await readAgain(tx.em, found), gone: participant.id };
  });
  const order = { kind: 'remove', liveRoomId, reason: 'CLIENT' } as const;
  if (gone !== null) await deps.orders.trySend({ ...order, participantId: gone });
  return room;
}

import type { Em } from '#platform/database.ts';
import { idsOf } from '#platform/ids.ts';
import { createGroupLoader, createListLoader, createLoader, type Loader } from '#platform/loader.ts';
import { parsePage, toConnection, type Connection, type Page, type PageArgs } from '#platform/paging.ts';
import { idKey, instantKey } from '#platform/sort-keys.ts';
import {
  findLiveRoomsByChatRoom,
  findLiveRoomsByHost,
  findVisibleRooms,
  listRooms,
  type LoggedLiveRoom,
} from '../data/live-room.repository.ts';
import {
  countListeners,
  findHandPlaces,
  findHands,
  findParticipantsById,
  findParticipantsOf,
  findSpeakers,
  listBanned,
  listParticipants,
  type ParticipantFilter,
} from '../data/participant.repository.ts';
import type { LiveState } from '../domain/live-room.ts';
import { isPresent, moderates, type LiveParticipant } from '../domain/participant.ts';

/** Reads of live rooms in one operation, as its viewer may see them; its loaders batch and remember. */
export interface Stage {
  /** Null for what the viewer may not see, and for ids that are none. */
  readonly roomsById: Loader<LoggedLiveRoom>;
  readonly liveRoomsByHost: Loader<LoggedLiveRoom>;
  readonly liveRoomsByChatRoom: Loader<LoggedLiveRoom>;
  readonly participantsById: Loader<LiveParticipant>;
  rooms(state: LiveState, args: PageArgs): Promise<Connection<LoggedLiveRoom>>;
  participants(
    liveRoomId: string,
    filter: ParticipantFilter,
    args: PageArgs,
  ): Promise<Connection<LiveParticipant>>;
  /** Null where that is not the viewer's to know. */
  bannedParticipants(
    liveRoomId: string,
    name: string | null,
    args: PageArgs,
  ): Promise<Connection<LiveParticipant> | null>;
  speakers(liveRoomId: string): Promise<readonly LiveParticipant[]>;
  hands(liveRoomId: string): Promise<readonly LiveParticipant[]>;
  /** Of a participant, among those who ask to speak, from 1; null where they do not. */
  handPlace(participantId: string): Promise<number | null>;
  listenerCount(liveRoomId: string): Promise<number>;
  /** The viewer in that room, unless they have left it. */
  viewerParticipant(liveRoomId: string): Promise<LiveParticipant | null>;
}

const PARTICIPANTS_PER_PAGE = 50;

export function createStage(em: Em, viewerId: string | null): Stage {
  const speakers = createGroupLoader((ids) => findSpeakers(em, ids), roomOf);
  const hands = createGroupLoader((ids) => findHands(em, ids), roomOf);
  const places = createLoader(
    (ids) => findHandPlaces(em, ids),
    ({ id }) => id,
  );
  const participants = createListLoader(
    (ids, { filter, page }: ParticipantPage) => listParticipants(em, ids, filter, page),
    roomOf,
  );
  const listeners = createLoader(
    (ids) => countListeners(em, ids),
    (row) => row.liveRoomId,
  );
  const own = createOwn(em, viewerId);
  return {
    ...createRoomLoaders(em, viewerId),
    ...createBans(em, own),
    participantsById: createLoader(
      (ids) => findParticipantsById(em, idsOf('LiveParticipant', ids)),
      (participant) => participant.id,
    ),
    async rooms(state, args) {
      const page = parsePage(args, { keys: [idKey('LiveRoom')] });
      return toConnection(await listRooms(em, viewerId, state, page), page, ({ id }) => [id]);
    },
    async participants(liveRoomId, filter, args) {
      const page = parsePage(args, {
        keys: [idKey('LiveParticipant')],
        defaultSize: PARTICIPANTS_PER_PAGE,
      });
      const rows = await participants.load(liveRoomId, { filter, page });
      return toConnection(rows, page, ({ id }) => [id]);
    },
    speakers: (liveRoomId) => speakers.load(liveRoomId),
    hands: (liveRoomId) => hands.load(liveRoomId),
    handPlace: async (participantId) => (await places.load(participantId))?.place ?? null,
    listenerCount: async (liveRoomId) => (await listeners.load(liveRoomId))?.count ?? 0,
    viewerParticipant: own,
  };
}

type Own = Stage['viewerParticipant'];

function createOwn(em: Em, viewerId: string | null): Own {
  const own = createLoader((ids) => findParticipantsOf(em, viewerId ?? '', ids), roomOf);
  return async (liveRoomId) => {
    const participant = viewerId === null ? null : await own.load(liveRoomId);
    return participant && isPresent(participant) ? participant : null;
  };
}

function createBans(em: Em, own: Own): Pick<Stage, 'bannedParticipants'> {
  const banned = createListLoader(
    (ids, { name, page }: { readonly name: string | null; readonly page: Page }) =>
      listBanned(em, ids, name, page),
    roomOf,
  );
  return {
    async bannedParticipants(liveRoomId, name, args) {
      const viewer = await own(liveRoomId);
      if (!viewer || !moderates(viewer)) return null;
      const page = parsePage(args, {
        keys: [instantKey, idKey('LiveParticipant')],
        defaultSize: PARTICIPANTS_PER_PAGE,
      });
      const rows = await banned.load(liveRoomId, { name, page });
      // Whoever is banned has left: the other moment is for the compiler.
      return toConnection(rows, page, ({ leftAt, joinedAt, id }) => [(leftAt ?? joinedAt).toISOString(), id]);
    },
  };
}

interface ParticipantPage {
  readonly filter: ParticipantFilter;
  readonly page: Page;
}

const roomOf = ({ liveRoomId }: LiveParticipant) => liveRoomId;

function createRoomLoaders(em: Em, viewerId: string | null) {
  return {
    roomsById: createLoader(
      (ids) => findVisibleRooms(em, viewerId, idsOf('LiveRoom', ids)),
      (room) => room.id,
    ),
    liveRoomsByHost: createLoader(
      (ids) => findLiveRoomsByHost(em, viewerId, idsOf('User', ids)),
      (room) => room.hostId,
    ),
    liveRoomsByChatRoom: createLoader(
      (ids) => findLiveRoomsByChatRoom(em, viewerId, idsOf('Room', ids)),
      (room) => room.chatRoomId ?? '',
    ),
  };
}

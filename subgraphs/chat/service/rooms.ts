import { forbidden, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { newId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import { isAnyBlocked } from '../data/block.repository.ts';
import { insertMembers } from '../data/member.repository.ts';
import {
  findDirectRoomId,
  insertDirectRoom,
  insertRoom,
  saveRoom,
  type RoomToInsert,
} from '../data/room.repository.ts';
import type { RoomRole } from '../domain/membership.ts';
import {
  acceptNewRoom,
  changeRoom,
  changesRoom,
  streamOf,
  type NewRoom,
  type NewRoomInput,
  type RoomChanges,
} from '../domain/room.ts';
import { lockRoomFor, requireUserIds } from './room-access.ts';

export interface Rooms {
  /** The id of the new room, or of the direct room that the two people have already. `id` fixes it, for demo data. */
  create(viewer: Viewer, input: NewRoomInput, id?: string): Promise<string>;
  update(viewer: Viewer, roomId: string, changes: RoomChanges): Promise<string>;
}

export interface RoomsDeps {
  readonly events: Events;
  readonly now: () => Date;
}

export function createRooms({ events, now }: RoomsDeps): Rooms {
  return {
    async create(viewer, input, id) {
      const room = acceptNewRoom(input, viewer.userId);
      requireUserIds('input.memberIds', room.memberIds);
      return events.transact(async (tx) => {
        if (await isAnyBlocked(tx.em, viewer.userId, room.memberIds))
          throw new Refusal(forbidden('One of you has blocked the other.', null, 'input.memberIds'));
        const createdAt = now();
        const row = {
          ...room,
          id: id ?? newId('Room', createdAt.getTime()),
          creatorId: viewer.userId,
          createdAt,
        };
        return room.kind === 'DIRECT' ? openDirect(tx, row) : openRoom(tx, row);
      });
    },

    update: (viewer, roomId, changes) =>
      events.transact(async ({ em, append }) => {
        const room = await lockRoomFor(em, viewer, roomId, 'MANAGE_ROOM', 'input.roomId');
        const settings = changeRoom(room, changes);
        if (!changesRoom(room, settings)) return roomId;
        await saveRoom(em, roomId, settings);
        const { name, topic, visibility } = settings;
        const payload = { roomId, name, topic, visibility };
        await append({ stream: streamOf(roomId), name: 'room.updated', payload, actorId: viewer.userId });
        return roomId;
      }),
  };
}

type RowToOpen = RoomToInsert & NewRoom;

async function openRoom(tx: Transaction, row: RowToOpen): Promise<string> {
  await insertRoom(tx.em, toInsert(row));
  await fill(tx, row, 'OWNER');
  return row.id;
}

async function openDirect(tx: Transaction, row: RowToOpen): Promise<string> {
  const [low = '', high = ''] = [row.creatorId, ...row.memberIds].toSorted();
  if (!(await insertDirectRoom(tx.em, row, [low, high])))
    return (await findDirectRoomId(tx.em, [low, high])) ?? row.id;
  await fill(tx, row, 'MEMBER');
  return row.id;
}

const toInsert = ({ memberIds: _memberIds, ...room }: RowToOpen): RoomToInsert => room;

async function fill({ em, append }: Transaction, row: RowToOpen, creatorRole: RoomRole): Promise<void> {
  const { id: roomId, kind, name, topic, visibility, creatorId } = row;
  const members = [
    { userId: creatorId, role: creatorRole },
    ...row.memberIds.map((userId) => ({ userId, role: 'MEMBER' as const })),
  ];
  await insertMembers(em, roomId, members, row.createdAt);
  const stream = streamOf(roomId);
  const payload = { roomId, kind, name, topic, visibility, ownerId: creatorId };
  await append({ stream, name: 'room.created', payload, actorId: creatorId });
  for (const member of members)
    await append({ stream, name: 'room.memberJoined', payload: { roomId, ...member }, actorId: creatorId });
}

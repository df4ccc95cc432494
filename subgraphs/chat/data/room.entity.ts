import { defineEntity, p } from '@mikro-orm/core';
import type { RoomRole } from '../domain/membership.ts';
import type { RoomKind, Visibility } from '../domain/room.ts';

export const RoomEntity = defineEntity({
  name: 'Room',
  tableName: 'room',
  properties: {
    id: p.text().primary(),
    kind: p.text().$type<RoomKind>(),
    name: p.text().nullable(),
    topic: p.text().nullable(),
    visibility: p.text().$type<Visibility>(),
    creatorId: p.text(),
    directLowId: p.text().nullable(),
    directHighId: p.text().nullable(),
    memberCount: p.integer().default(0),
    lastSeq: p.integer().default(0),
    slowModeSeconds: p.integer().default(0),
    createdAt: p.datetime(),
  },
});

export const RoomMember = defineEntity({
  name: 'RoomMember',
  tableName: 'room_member',
  properties: {
    roomId: p.text().primary(),
    userId: p.text().primary(),
    role: p.text().$type<RoomRole>(),
    joinedAt: p.datetime(),
    lastReadSeq: p.integer().default(0),
    lastSentAt: p.datetime().nullable(),
  },
});

export const RoomBan = defineEntity({
  name: 'RoomBan',
  tableName: 'room_ban',
  properties: {
    roomId: p.text().primary(),
    userId: p.text().primary(),
    bannedById: p.text(),
    createdAt: p.datetime(),
  },
});

import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { LiveRole } from '#schema/live-role.ts';
import type { BroadcastAudience, LiveState } from '../domain/live-room.ts';
import type { LeaveReason, ParticipantStatus } from '../domain/participant.ts';

export const LiveRoomEntity = defineEntity({
  name: 'LiveRoom',
  tableName: 'live_room',
  properties: {
    id: p.text().primary(),
    hostId: p.text(),
    title: p.text(),
    topic: p.text().nullable(),
    chatRoomId: p.text().nullable(),
    state: p.text().$type<LiveState>(),
    scheduledFor: p.datetime().nullable(),
    startedAt: p.datetime().nullable(),
    endedAt: p.datetime().nullable(),
    capacity: p.integer(),
    maxSpeakers: p.integer(),
    musicMode: p.boolean(),
    broadcastAudience: p.text().$type<BroadcastAudience>(),
    createdAt: p.datetime(),
  },
});

export const LiveParticipantEntity = defineEntity({
  name: 'LiveParticipant',
  tableName: 'live_participant',
  properties: {
    id: p.text().primary(),
    liveRoomId: p.text(),
    userId: p.text(),
    role: p.text().$type<LiveRole>(),
    status: p.text().$type<ParticipantStatus>(),
    joinedAt: p.datetime(),
    grantedAt: p.datetime(),
    connectedAt: p.datetime().nullable(),
    serverId: p.text().nullable(),
    lostAt: p.datetime().nullable(),
    lostReason: p.text().$type<LeaveReason>().nullable(),
    leftAt: p.datetime().nullable(),
    leaveReason: p.text().$type<LeaveReason>().nullable(),
    muted: p.boolean().default(false),
    handRaisedAt: p.datetime().nullable(),
    handBusyUntil: p.datetime().nullable(),
    invitedAt: p.datetime().nullable(),
    banned: p.boolean().default(false),
    listed: p.boolean().default(true),
  },
});

export type LiveParticipantRow = InferEntity<typeof LiveParticipantEntity>;

import { z } from 'zod';

/**
 * Every domain event: name → version and payload. The only list there is.
 *
 * Payloads carry what other subgraphs may know, never private data such as e-mail addresses. A field may be added with a default; anything else
 * is a new version, and consumers keep reading the old one, because event logs keep it for good.
 */
const id = z.string();
const at = z.string();
const count = z.number().int();
const visibility = z.enum(['PUBLIC', 'UNLISTED', 'PRIVATE']);
const roomKind = z.enum(['CHANNEL', 'DIRECT', 'GROUP']);
const roomRole = z.enum(['OWNER', 'ADMIN', 'MODERATOR', 'MEMBER']);

const orderState = z.enum([
  'PENDING_PAYMENT',
  'PAID',
  'FULFILLED',
  'COMPLETED',
  'CANCELLED',
  'FAILED',
  'REFUNDED',
]);

const participant = { liveRoomId: id, participantId: id, userId: id };

const define = <S extends z.ZodType>(version: number, payload: S) => ({ version, payload });

export const EVENTS = {
  // user
  'user.registered': define(1, z.object({ userId: id, handle: z.string(), displayName: z.string() })),
  'user.profileUpdated': define(
    1,
    z.object({ userId: id, handle: z.string(), displayName: z.string(), bio: z.string().nullable() }),
  ),
  'user.followed': define(1, z.object({ followerId: id, followedId: id })),
  'user.unfollowed': define(1, z.object({ followerId: id, followedId: id })),
  'user.blocked': define(1, z.object({ blockerId: id, blockedId: id })),
  'user.unblocked': define(1, z.object({ blockerId: id, blockedId: id })),
  'user.rolesChanged': define(1, z.object({ userId: id, roles: z.array(z.string()) })),
  'session.started': define(1, z.object({ userId: id, sessionId: id })),
  'session.revoked': define(1, z.object({ userId: id, sessionId: id, reason: z.string() })),

  // chat
  'room.created': define(
    1,
    z.object({
      roomId: id,
      kind: roomKind,
      name: z.string().nullable(),
      topic: z.string().nullable(),
      visibility,
      ownerId: id,
    }),
  ),
  'room.updated': define(
    1,
    z.object({ roomId: id, name: z.string().nullable(), topic: z.string().nullable(), visibility }),
  ),
  'room.memberJoined': define(1, z.object({ roomId: id, userId: id, role: roomRole })),
  'room.memberLeft': define(
    1,
    z.object({ roomId: id, userId: id, change: z.enum(['LEFT', 'KICKED', 'BANNED']) }),
  ),
  'room.memberUnbanned': define(1, z.object({ roomId: id, userId: id })),
  'room.memberRoleChanged': define(1, z.object({ roomId: id, userId: id, role: roomRole })),
  // In direct rooms and groups only.
  'room.readMarkerMoved': define(1, z.object({ roomId: id, userId: id, lastReadSeq: z.number().int() })),
  'message.created': define(
    1,
    // Older events do not say what room it is.
    z.object({ roomId: id, messageId: id, authorId: id, roomKind: roomKind.optional() }),
  ),
  'message.edited': define(1, z.object({ roomId: id, messageId: id, revision: z.number().int() })),
  'message.deleted': define(1, z.object({ roomId: id, messageId: id, byModerator: z.boolean() })),
  'message.reactionChanged': define(
    1,
    z.object({
      roomId: id,
      messageId: id,
      emoji: z.string(),
      userId: id,
      added: z.boolean(),
      count,
    }),
  ),

  'notification.created': define(
    1,
    z.object({
      notificationId: id,
      userId: id,
      kind: z.enum(['FOLLOW', 'TRACK_COMMENT', 'SALE', 'LIVE_STARTED', 'DIRECT_MESSAGE']),
    }),
  ),
  // The host's followers whose ids are not behind `upToUserId` have been told; whoever handles it goes on with those behind.
  'liveRoom.startAnnounced': define(
    1,
    z.object({ liveRoomId: id, hostId: id, chatRoomId: id.nullable(), startedAt: at, upToUserId: id }),
  ),

  // stream
  'track.published': define(
    1,
    z.object({
      trackId: id,
      artistId: id,
      title: z.string(),
      description: z.string().nullable(),
      genre: z.string().nullable(),
      tags: z.array(z.string()),
      visibility,
      durationMs: z.number().int().nullable(),
    }),
  ),
  'track.updated': define(
    1,
    z.object({
      trackId: id,
      artistId: id,
      title: z.string(),
      description: z.string().nullable(),
      genre: z.string().nullable(),
      tags: z.array(z.string()),
      visibility,
    }),
  ),
  'track.deleted': define(1, z.object({ trackId: id, artistId: id })),
  'track.liked': define(1, z.object({ trackId: id, artistId: id, userId: id })),
  'track.unliked': define(1, z.object({ trackId: id, artistId: id, userId: id })),
  'track.commented': define(
    1,
    z.object({ trackId: id, artistId: id, commentId: id, userId: id, atMs: z.number().int().nullable() }),
  ),
  'track.commentDeleted': define(1, z.object({ trackId: id, artistId: id, commentId: id })),
  'liveRoom.created': define(
    1,
    z.object({
      liveRoomId: id,
      hostId: id,
      title: z.string(),
      topic: z.string().nullable(),
      scheduledFor: at.nullable(),
    }),
  ),
  'liveRoom.started': define(
    1,
    // Null without a chat room. Events from before it was told have none, and nobody can say who may know of their rooms.
    z.object({ liveRoomId: id, hostId: id, chatRoomId: id.nullable().optional() }),
  ),
  'liveRoom.ended': define(1, z.object({ liveRoomId: id, hostId: id })),
  'liveRoom.participantJoined': define(1, z.object({ ...participant, role: z.string() })),
  'liveRoom.participantChanged': define(
    1,
    z.object({ ...participant, role: z.string(), muted: z.boolean() }),
  ),
  'liveRoom.handChanged': define(1, z.object({ ...participant, raised: z.boolean() })),
  'liveRoom.invitationChanged': define(
    1,
    z.object({
      ...participant,
      state: z.enum(['INVITED', 'ACCEPTED', 'DECLINED', 'WITHDRAWN']),
    }),
  ),
  'liveRoom.participantLeft': define(1, z.object({ ...participant, reason: z.string() })),
  'liveRoom.participantUnbanned': define(1, z.object(participant)),
  // Of listeners beyond those that are told of one by one; `unlisted` is how many these are.
  'liveRoom.listenersChanged': define(1, z.object({ liveRoomId: id, listeners: count, unlisted: count })),
  'liveRoom.broadcastAudienceChanged': define(
    1,
    z.object({ liveRoomId: id, audience: z.enum(['ANYONE', 'SIGNED_IN']) }),
  ),
  'liveRoom.recordingChanged': define(
    1,
    z.object({
      liveRoomId: id,
      recordingId: id,
      state: z.enum(['STARTING', 'RECORDING', 'STOPPING', 'READY', 'FAILED']),
    }),
  ),

  // media server
  'media.participantConnected': define(
    1,
    z.object({ liveRoomId: id, participantId: id, serverId: z.string() }),
  ),
  'media.participantDisconnected': define(
    1,
    z.object({ liveRoomId: id, participantId: id, serverId: z.string(), reason: z.string() }),
  ),

  // A take is what one media server records of a recording without a break; there may be several, one after the other.
  'media.recordingStarted': define(
    1,
    z.object({ recordingId: id, liveRoomId: id, takeId: z.string(), serverId: z.string(), startedAt: at }),
  ),
  // The take has ended before it was told to; its files follow as soon as they can be stored.
  'media.recordingFailed': define(
    1,
    z.object({
      recordingId: id,
      liveRoomId: id,
      takeId: z.string(),
      serverId: z.string(),
      problem: z.string(),
    }),
  ),
  // Offsets are counted from `startedAt`. `participantId` is null for the mix.
  'media.recordingFinished': define(
    1,
    z.object({
      recordingId: id,
      liveRoomId: id,
      takeId: z.string(),
      serverId: z.string(),
      startedAt: at,
      durationMs: z.number().int(),
      problem: z.string().nullable(),
      files: z.array(
        z.object({
          key: z.string(),
          participantId: id.nullable(),
          offsetMs: z.number().int(),
          durationMs: z.number().int(),
          sizeBytes: z.number().int(),
        }),
      ),
    }),
  ),

  // commerce
  'product.published': define(
    1,
    z.object({
      productId: id,
      sellerId: id,
      trackId: id.nullable(),
      title: z.string(),
      description: z.string().nullable(),
      kind: z.string(),
    }),
  ),
  'product.updated': define(
    1,
    z.object({
      productId: id,
      sellerId: id,
      trackId: id.nullable(),
      title: z.string(),
      description: z.string().nullable(),
      kind: z.string(),
    }),
  ),
  'product.archived': define(1, z.object({ productId: id, sellerId: id })),
  'product.stockAdjusted': define(
    1,
    z.object({
      productId: id,
      sellerId: id,
      variantId: id,
      delta: z.number().int(),
      stock: z.number().int(),
    }),
  ),
  'order.placed': define(1, z.object({ orderId: id, buyerId: id, amount: z.string(), currency: z.string() })),
  'order.paid': define(
    1,
    z.object({
      orderId: id,
      buyerId: id,
      amount: z.string(),
      currency: z.string(),
      lines: z.array(
        z.object({
          productId: id,
          variantId: id,
          sellerId: id,
          quantity: z.number().int(),
          amount: z.string(),
        }),
      ),
    }),
  ),
  'order.stateChanged': define(
    1,
    z.object({ orderId: id, buyerId: id, from: orderState, to: orderState, reason: z.string().nullable() }),
  ),
} as const;

export type EventName = keyof typeof EVENTS;
export type EventPayload<N extends EventName> = z.infer<(typeof EVENTS)[N]['payload']>;

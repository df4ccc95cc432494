import type { Events } from '#platform/events/events.ts';
import { deleteFollow, findDirectPartner, insertFollow } from './data/audience.repository.ts';
import { deleteBlock, insertBlock } from './data/block.repository.ts';
import { hasUnreadFollow } from './data/notification.repository.ts';
import { salesOf } from './domain/notification.ts';
import { blocksTopic } from './service/live-topics.ts';
import { announceLive, notify } from './service/notification-writer.ts';
import { presenceTopic } from './service/presence-keeper.ts';

/** Who has blocked whom, as the user subgraph tells: it decides about direct rooms, about being added to rooms, about presence, and who is told what. */
export function registerReactions(events: Events): void {
  events.consume(
    'chat-blocks',
    ['user.blocked', 'user.unblocked'],
    async ({ name, payload }, { em, tell }) => {
      const { blockerId, blockedId } = payload;
      if (name === 'user.blocked') await insertBlock(em, blockerId, blockedId);
      else await deleteBlock(em, blockerId, blockedId);
      for (const userId of [blockerId, blockedId]) tell(blocksTopic(userId), {});
      tell(presenceTopic(blockerId), { userId: blockerId });
    },
  );
  tellOfFollowers(events);
  tellOfComments(events);
  tellOfSales(events);
  tellOfLiveRooms(events);
  tellOfDirectMessages(events);
}

function tellOfFollowers(events: Events): void {
  events.consume('chat-follows', ['user.followed', 'user.unfollowed'], async ({ name, at, payload }, tx) => {
    const { followerId, followedId } = payload;
    if (name === 'user.unfollowed') return deleteFollow(tx.em, followerId, followedId);
    await insertFollow(tx.em, followerId, followedId);
    // To follow, unfollow and follow again must not flood anybody. What one person does comes in order, so this is not raced.
    if (await hasUnreadFollow(tx.em, followedId, followerId)) return;
    await notify(tx, followedId, { actorId: followerId, at }, { kind: 'FOLLOW' });
  });
}

function tellOfComments(events: Events): void {
  events.consume('chat-track-comments', ['track.commented'], async ({ at, payload }, tx) => {
    const { artistId, userId: actorId, trackId, commentId } = payload;
    await notify(tx, artistId, { actorId, at }, { kind: 'TRACK_COMMENT', trackId, commentId });
  });
}

function tellOfSales(events: Events): void {
  events.consume('chat-sales', ['order.paid'], async ({ at, payload }, tx) => {
    const { orderId, buyerId: actorId, lines } = payload;
    for (const { sellerId, productIds } of salesOf(lines))
      await notify(tx, sellerId, { actorId, at }, { kind: 'SALE', orderId, productIds });
  });
}

function tellOfLiveRooms(events: Events): void {
  const names = ['liveRoom.started', 'liveRoom.startAnnounced'] as const;
  events.consume('chat-live-rooms', names, async ({ name, at, payload }, tx) => {
    if (name === 'liveRoom.startAnnounced') return announceLive(tx, payload, payload.upToUserId);
    const { liveRoomId, hostId, chatRoomId } = payload;
    if (chatRoomId !== undefined)
      await announceLive(tx, { liveRoomId, hostId, chatRoomId, startedAt: at }, '');
  });
}

function tellOfDirectMessages(events: Events): void {
  events.consume(
    'chat-direct-messages',
    ['message.created'],
    async ({ at, payload }, tx) => {
      const { roomId, messageId, authorId: actorId } = payload;
      const userId = await findDirectPartner(tx.em, roomId, actorId);
      if (userId !== null)
        await notify(tx, userId, { actorId, at }, { kind: 'DIRECT_MESSAGE', roomId, messageId });
    },
    { wants: ({ payload: { roomKind } }) => roomKind === undefined || roomKind === 'DIRECT' },
  );
}

import type { Events } from '#platform/events/events.ts';
import type { AnyEvent } from '#platform/events/ports.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
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
  // One consumer for all: over a broker each is sent every event there is.
  events.consume<ToldOf['name']>('chat-notifications', TOLD_OF, tellOf, { wants: mayConcernSomebody });
}

const TOLD_OF = [
  ...(['user.followed', 'user.unfollowed', 'track.commented', 'order.paid', 'message.created'] as const),
  ...(['liveRoom.started', 'liveRoom.startAnnounced'] as const),
];
type ToldOf = AnyEvent<(typeof TOLD_OF)[number]>;

/** What is written in channels and groups, which is most of what happens, need not be looked at. */
const mayConcernSomebody = ({ name, payload }: ToldOf): boolean =>
  name !== 'message.created' || payload.roomKind === undefined || payload.roomKind === 'DIRECT';

function tellOf(event: ToldOf, tx: Transaction): Promise<void> {
  switch (event.name) {
    case 'user.followed':
      return tellOfFollower(event, tx);
    case 'user.unfollowed':
      return deleteFollow(tx.em, event.payload.followerId, event.payload.followedId);
    case 'track.commented':
      return tellOfComment(event, tx);
    case 'order.paid':
      return tellOfSales(event, tx);
    case 'message.created':
      return tellOfDirectMessage(event, tx);
    case 'liveRoom.started':
      return tellOfLiveRoom(event, tx);
    case 'liveRoom.startAnnounced':
      return announceLive(tx, event.payload, event.payload.upToUserId);
  }
}

async function tellOfFollower({ at, payload }: AnyEvent<'user.followed'>, tx: Transaction): Promise<void> {
  const { followerId, followedId } = payload;
  await insertFollow(tx.em, followerId, followedId);
  // To follow, unfollow and follow again must not flood anybody. What one person does comes in order, so this is not raced.
  if (await hasUnreadFollow(tx.em, followedId, followerId)) return;
  await notify(tx, followedId, { actorId: followerId, at }, { kind: 'FOLLOW' });
}

function tellOfComment({ at, payload }: AnyEvent<'track.commented'>, tx: Transaction): Promise<void> {
  const { artistId, userId: actorId, trackId, commentId } = payload;
  return notify(tx, artistId, { actorId, at }, { kind: 'TRACK_COMMENT', trackId, commentId });
}

async function tellOfSales({ at, payload }: AnyEvent<'order.paid'>, tx: Transaction): Promise<void> {
  const { orderId, buyerId: actorId, lines } = payload;
  for (const { sellerId, productIds } of salesOf(lines))
    await notify(tx, sellerId, { actorId, at }, { kind: 'SALE', orderId, productIds });
}

async function tellOfLiveRoom({ at, payload }: AnyEvent<'liveRoom.started'>, tx: Transaction): Promise<void> {
  const { liveRoomId, hostId, chatRoomId } = payload;
  if (chatRoomId !== undefined) await announceLive(tx, { liveRoomId, hostId, chatRoomId, startedAt: at }, '');
}

async function tellOfDirectMessage(
  { at, payload }: AnyEvent<'message.created'>,
  tx: Transaction,
): Promise<void> {
  const { roomId, messageId, authorId: actorId } = payload;
  const userId = await findDirectPartner(tx.em, roomId, actorId);
  if (userId !== null)
    await notify(tx, userId, { actorId, at }, { kind: 'DIRECT_MESSAGE', roomId, messageId });
}

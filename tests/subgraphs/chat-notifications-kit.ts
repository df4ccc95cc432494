// oxlint-disable typescript/no-explicit-any -- tests assert what they read
import { newId } from '#platform/ids.ts';
import type { EventFrame } from '#platform/events/ports.ts';
import type { EventName, EventPayload } from '#schema/events.ts';
import type { TestOptions } from '../support/subgraphs.ts';
import { startChat, type Chat } from './chat-kit.ts';
import { until } from './result-streams.ts';

export interface ToldChat extends Chat {
  /** Tells an event as another subgraph would; resolves once it is accepted, not yet handled. */
  tell<N extends EventName>(name: N, stream: string, payload: EventPayload<N>): Promise<EventFrame>;
  follows(followerId: string, followedId: string): Promise<EventFrame>;
  unfollows(followerId: string, followedId: string): Promise<EventFrame>;
  comments(userId: string, artistId: string, trackId?: string): Promise<EventFrame>;
  buys(buyerId: string, ...sold: [sellerId: string, productId: string][]): Promise<EventFrame>;
  goesLive(hostId: string, chatRoomId?: string | null): Promise<EventFrame>;
  /** Resolves once everything that was told, and what the subgraph tells itself, is handled; rejects where something failed. */
  settled(): Promise<void>;
  rows<T>(sql: string, params?: readonly unknown[]): Promise<T[]>;
}

export async function startToldChat(options: TestOptions = {}): Promise<ToldChat> {
  const chat = await startChat(options);
  const { database } = chat.open.foundation;
  const seqs = new Map<string, number>();
  const rows: ToldChat['rows'] = (sql, params = []) =>
    database.background(() => database.fork().execute(sql, [...params]));
  const tell: ToldChat['tell'] = async (name, stream, payload) => {
    const seq = (seqs.get(stream) ?? 0) + 1;
    seqs.set(stream, seq);
    const at = new Date().toISOString();
    const place = { id: newId('Event'), version: 1, stream, seq, at, actorId: null, correlationId: null };
    const frame = { ...place, name, payload };
    await chat.durableBus.publish(frame);
    return frame;
  };
  return {
    ...chat,
    rows,
    tell,
    follows: (followerId, followedId) =>
      tell('user.followed', `user:${followerId}`, { followerId, followedId }),
    unfollows: (followerId, followedId) =>
      tell('user.unfollowed', `user:${followerId}`, { followerId, followedId }),
    comments: (userId, artistId, trackId = newId('Track')) =>
      tell('track.commented', `track:${trackId}`, {
        ...{ trackId, artistId, userId, commentId: newId('TrackComment'), atMs: null },
      }),
    buys(buyerId, ...sold) {
      const orderId = newId('Order');
      const money = { amount: '5.00', currency: 'EUR' };
      const lines = sold.map(([sellerId, productId]) => ({
        ...{ productId, sellerId, variantId: newId('ProductVariant'), quantity: 1, amount: '5.00' },
      }));
      return tell('order.paid', `order:${orderId}`, { orderId, buyerId, ...money, lines });
    },
    goesLive(hostId, chatRoomId = null) {
      const liveRoomId = newId('LiveRoom');
      return tell('liveRoom.started', `live-room:${liveRoomId}`, { liveRoomId, hostId, chatRoomId });
    },
    // Handling an event marks it as done together with what it appends, and what is published is in an inbox before it leaves the outbox.
    settled: () =>
      until(async () => {
        const failed = await rows<{ last_error: string }>(
          'select last_error from inbox where last_error is not null',
        );
        if (failed[0]) throw new Error(`An event failed: ${failed[0].last_error}`);
        const [left] = await rows<{ count: number }>(
          `select ((select count(*) from outbox) + (select count(*) from inbox where state <> 'done'))::int as count`,
        );
        return left?.count === 0;
      }),
  };
}

const SHOWN = `id __typename at readAt
  ... on FollowNotification { follower { id } }
  ... on TrackCommentNotification { by { id } track { id } comment { id } }
  ... on SaleNotification { orderId products { id } }
  ... on LiveStartedNotification { host { id } liveRoom { id } }
  ... on DirectMessageNotification { by { id } room { id } message { id content } }`;

const LIST = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $unreadOnly: Boolean) {
  _entities(representations: [{ __typename: "Viewer", id: $id }]) { ... on Viewer {
    notifications(first: $first, after: $after, last: $last, before: $before, unreadOnly: $unreadOnly) {
      nodes { ${SHOWN} } edges { cursor } eventCursor
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }`;

/** A page of somebody's own notifications. */
export async function pageOf(chat: ToldChat, userId: string, args: object = {}): Promise<any> {
  return (await chat.data(userId, LIST, { id: userId, ...args }))._entities[0].notifications;
}

/** What somebody is told, newest first, once everything is handled; 100 at most. */
export async function toldTo(chat: ToldChat, userId: string, args: object = {}): Promise<any[]> {
  await chat.settled();
  return (await pageOf(chat, userId, { first: 100, ...args })).nodes;
}

export const NOTIFICATIONS = `subscription ($after: EventCursor) { notifications(after: $after) {
  __typename cursor seq at
  ... on NotificationCreated { notification { ${SHOWN} } }
  ... on NotificationResyncRequired { reason } } }`;

/** Asks for somebody's notifications as someone else. */
export const lookInto = (chat: ToldChat, callerId: string | null, userId: string) =>
  chat.run(callerId, LIST, { id: userId });

const READ = `mutation ($id: ID!) { markNotificationsRead(upToId: $id) {
  readUpTo { id readAt } userErrors { __typename field ... on NotFoundError { id } } } }`;

export async function markRead(chat: ToldChat, callerId: string | null, id: string): Promise<any> {
  return (await chat.data(callerId, READ, { id })).markNotificationsRead;
}

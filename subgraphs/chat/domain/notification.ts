/** What someone is told of, with the ids of what it is about. */
export type News =
  | { readonly kind: 'FOLLOW' }
  | { readonly kind: 'TRACK_COMMENT'; readonly trackId: string; readonly commentId: string }
  | { readonly kind: 'SALE'; readonly orderId: string; readonly productIds: readonly string[] }
  | { readonly kind: 'LIVE_STARTED'; readonly liveRoomId: string }
  | { readonly kind: 'DIRECT_MESSAGE'; readonly roomId: string; readonly messageId: string };

export type NotificationKind = News['kind'];

interface Told {
  readonly id: string;
  /** Whose it is. */
  readonly userId: string;
  /** Of its event in the person's log: 1, 2, 3 … */
  readonly seq: number;
  /** Who did it; never the one who is told. */
  readonly actorId: string;
  readonly at: Date;
  readonly readAt: Date | null;
}

type About<K extends NotificationKind> = Told & Extract<News, { readonly kind: K }>;
export type FollowNews = About<'FOLLOW'>;
export type TrackCommentNews = About<'TRACK_COMMENT'>;
export type SaleNews = About<'SALE'>;
export type LiveStartedNews = About<'LIVE_STARTED'>;
export type DirectMessageNews = About<'DIRECT_MESSAGE'>;
export type Notification = FollowNews | TrackCommentNews | SaleNews | LiveStartedNews | DirectMessageNews;

interface Entry<T extends string> {
  /** Name of the GraphQL type. */
  readonly __typename: T;
  /** Opaque position of the entry. */
  readonly cursor: string;
  readonly seq: number;
  readonly at: Date;
}

export interface NotificationCreation extends Entry<'NotificationCreated'> {
  readonly notificationId: string;
}

export interface NotificationResync extends Entry<'NotificationResyncRequired'> {
  readonly reason: 'WINDOW_EXPIRED' | 'EPOCH_CHANGED';
}

/** An entry of a person's log as clients see it. It holds ids; objects are loaded when the event is delivered. */
export type NotificationEvent = NotificationCreation | NotificationResync;

/** The event stream of what a person is told. */
export const notificationsOf = (userId: string): string => `notifications:${userId}`;

export interface Sale {
  readonly sellerId: string;
  readonly productIds: readonly string[];
}

/** What each seller sold with one order, each product once; by seller, in the order of their ids. */
export function salesOf(lines: readonly { readonly sellerId: string; readonly productId: string }[]): Sale[] {
  const bySeller = new Map<string, Set<string>>();
  for (const { sellerId, productId } of lines)
    bySeller.set(sellerId, (bySeller.get(sellerId) ?? new Set()).add(productId));
  return [...bySeller]
    .map(([sellerId, productIds]) => ({ sellerId, productIds: [...productIds] }))
    .sort((a, b) => (a.sellerId < b.sellerId ? -1 : 1));
}

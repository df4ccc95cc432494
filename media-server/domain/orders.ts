import type { MediaControl } from '#schema/media-bus.ts';
import type { MediaGrant } from '#platform/media-grant.ts';

/**
 * Orders of the last minute. A grant lives longer than the moment in which it is issued: without this, somebody who was just removed, muted or
 * demoted could connect again with the grant of a moment ago.
 */
export interface RecentOrders {
  readonly entries: readonly { readonly order: MediaControl; readonly atMs: number }[];
}

export const noOrders: RecentOrders = { entries: [] };

/** Adds an order and forgets those that no living grant can be older than. */
export function rememberOrder(
  orders: RecentOrders,
  order: MediaControl,
  nowMs: number,
  grantTtlMs: number,
): RecentOrders {
  const living = orders.entries.filter(({ atMs }) => nowMs - atMs < grantTtlMs);
  return { entries: [...living, { order, atMs: nowMs }] };
}

export type Admission =
  { readonly grant: MediaGrant; readonly refused: null } | { readonly refused: 'REMOVED' | 'ROOM_ENDED' };

/** What is left of a grant after the orders that came later than its issue. */
export function admit(orders: RecentOrders, grant: MediaGrant, grantTtlMs: number): Admission {
  const issuedAtMs = grant.expiresAtMs - grantTtlMs;
  let current = grant;
  for (const { order, atMs } of orders.entries) {
    if (atMs < issuedAtMs || order.liveRoomId !== grant.liveRoomId) continue;
    if (order.kind === 'endRoom') return { refused: 'ROOM_ENDED' };
    if (!('participantId' in order) || order.participantId !== grant.participantId) continue;
    if (order.kind === 'setRole') current = { ...current, role: order.role };
    if (order.kind === 'mute') current = { ...current, muted: order.muted };
    // Whoever left of their own accord may come back at once.
    if (order.kind === 'remove' && order.reason !== 'CLIENT') return { refused: 'REMOVED' };
  }
  return { grant: current, refused: null };
}

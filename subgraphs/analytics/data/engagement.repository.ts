import type { Em } from '#platform/database.ts';
import { addToTotal } from './totals.repository.ts';

export interface Engagement {
  readonly eventId: string;
  readonly artistId: string;
  readonly kind: 'LIKE' | 'COMMENT' | 'FOLLOW';
  /** Minus one where it was taken back. */
  readonly delta: 1 | -1;
  /** RFC 3339. */
  readonly at: string;
}

/** False where this event was counted before. */
export async function insertEngagement(em: Em, engagement: Engagement): Promise<boolean> {
  const { eventId, artistId, kind, delta, at } = engagement;
  const rows = await em.execute(
    `insert into engagement (event_id, artist_id, kind, delta, at) values (?, ?, ?, ?, ?)
     on conflict (event_id) do nothing returning 1`,
    [eventId, artistId, kind, delta, at],
  );
  return rows.length === 1;
}

export interface Sale {
  readonly orderId: string;
  readonly line: number;
  readonly productId: string;
  readonly sellerId: string;
  readonly quantity: number;
  /** Decimal, for the whole line. */
  readonly amount: string;
  readonly currency: string;
  /** RFC 3339. */
  readonly paidAt: string;
}

/** Counts a sale once, however often it is told. */
export async function insertSale(em: Em, sale: Sale): Promise<void> {
  const { orderId, line, productId, sellerId, quantity, amount, currency, paidAt } = sale;
  const rows = await em.execute(
    `insert into sale (order_id, line, product_id, seller_id, quantity, amount, currency, paid_at)
     values (?, ?, ?, ?, ?, ?::numeric, ?, ?) on conflict (order_id, line) do nothing returning 1`,
    [orderId, line, productId, sellerId, quantity, amount, currency, paidAt],
  );
  if (rows.length === 1) await addToTotal(em, productId, quantity);
}

export async function refundSales(em: Em, orderId: string): Promise<void> {
  const rows = await em.execute<{ product_id: string; quantity: number }[]>(
    `update sale set refunded = true where order_id = ? and not refunded returning product_id, quantity`,
    [orderId],
  );
  // In the order of ids, as every transaction that changes several totals.
  for (const row of rows.toSorted((a, b) => (a.product_id < b.product_id ? -1 : 1)))
    await addToTotal(em, row.product_id, -row.quantity);
}

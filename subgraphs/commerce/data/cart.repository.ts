import { LockMode } from '@mikro-orm/core';
import type { Em } from '#platform/database.ts';
import { newId } from '#platform/ids.ts';
import type { Cart, CartLine } from '../domain/cart.ts';
import { CartEntity, CartLineEntity, type CartLineRow, type CartRow } from './cart.entity.ts';
import { FRESH } from './rows.ts';

const WRITE_LOCK = { ...FRESH, lockMode: LockMode.PESSIMISTIC_WRITE } as const;

export async function findOpenCarts(em: Em, ownerIds: readonly string[]): Promise<Cart[]> {
  const rows = await em.find(CartEntity, { ownerId: { $in: [...ownerIds] }, state: 'OPEN' }, FRESH);
  return rows.map(toCart);
}

export async function findCartsById(em: Em, ids: readonly string[]): Promise<Cart[]> {
  return (await em.find(CartEntity, { id: { $in: [...ids] } }, FRESH)).map(toCart);
}

export async function lockCart(em: Em, id: string): Promise<Cart | null> {
  const row = await em.findOne(CartEntity, { id }, WRITE_LOCK);
  return row && toCart(row);
}

/** The owner's open cart, made where there is none and locked: of two first additions at once one makes it, the other waits for it. */
export async function requireLockedCart(em: Em, ownerId: string, now: Date): Promise<Cart> {
  const [row] = await em.execute<{ id: string; version: number }[]>(
    `insert into cart (id, owner_id, state, version, created_at) values (?, ?, 'OPEN', 0, ?)
     on conflict (owner_id) where state = 'OPEN' do update set version = cart.version returning id, version`,
    [newId('Cart', now.getTime()), ownerId, now],
  );
  return { id: row!.id, ownerId, state: 'OPEN', version: row!.version };
}

export async function saveCartVersion(em: Em, { id, version }: Cart): Promise<void> {
  await em.nativeUpdate(CartEntity, { id }, { version });
}

export async function closeCart(em: Em, id: string): Promise<void> {
  await em.nativeUpdate(CartEntity, { id }, { state: 'CHECKED_OUT' });
}

/** Fails on the unique index where the owner has opened another cart meanwhile. */
export async function reopenCart(em: Em, id: string): Promise<void> {
  await em.nativeUpdate(CartEntity, { id }, { state: 'OPEN' });
}

/** In the order in which they were put into their carts. */
export async function findCartLines(em: Em, cartIds: readonly string[]): Promise<CartLine[]> {
  const options = { ...FRESH, orderBy: { position: 'asc' } } as const;
  return (await em.find(CartLineEntity, { cartId: { $in: [...cartIds] } }, options)).map(toLine);
}

export async function findCartLine(em: Em, id: string): Promise<CartLine | null> {
  const row = await em.findOne(CartLineEntity, { id }, FRESH);
  return row && toLine(row);
}

export async function saveCartLine(em: Em, line: CartLine): Promise<void> {
  const { id, cartId, variantId, quantity, seenPriceMinor } = line;
  await em.execute(
    `insert into cart_line (id, cart_id, variant_id, quantity, seen_price_minor) values (?, ?, ?, ?, ?)
     on conflict (cart_id, variant_id) do update set quantity = excluded.quantity, seen_price_minor = excluded.seen_price_minor`,
    [id, cartId, variantId, quantity, String(seenPriceMinor)],
  );
}

export async function deleteCartLine(em: Em, id: string): Promise<void> {
  await em.nativeDelete(CartLineEntity, { id });
}

function toCart({ id, ownerId, state, version }: CartRow): Cart {
  return { id, ownerId, state, version };
}

function toLine({ id, cartId, variantId, quantity, seenPriceMinor }: CartLineRow): CartLine {
  return { id, cartId, variantId, quantity, seenPriceMinor };
}

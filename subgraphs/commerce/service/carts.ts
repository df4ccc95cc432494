import type { Em } from '#platform/database.ts';
import { notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import { isId, newId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import {
  deleteCartLine,
  findCartLine,
  findCartLines,
  lockCart,
  requireLockedCart,
  saveCartLine,
  saveCartVersion,
} from '../data/cart.repository.ts';
import { findProductsById, findVariantsById } from '../data/product.repository.ts';
import {
  addedQuantity,
  requireBuyable,
  requireOneCurrency,
  requireQuantity,
  requireRoom,
  type Cart,
  type CartLine,
} from '../domain/cart.ts';
import { requireOpenCart } from '../domain/checkout.ts';
import type { Product, Variant } from '../domain/product.ts';
import { readPricedLines } from './priced-lines.ts';

/** Every change answers with the cart as it is after it. */
export interface Carts {
  add(viewer: Viewer, variantId: string, quantity: number): Promise<Cart>;
  /** 0 removes the line. */
  setQuantity(viewer: Viewer, lineId: string, quantity: number): Promise<Cart>;
}

export interface CartsDeps {
  readonly events: Events;
  readonly now: () => Date;
}

export function createCarts({ events, now }: CartsDeps): Carts {
  return {
    add: (viewer, variantId, quantity) =>
      events.transact(({ em }) => add(em, viewer.userId, variantId, quantity, now())),
    setQuantity: (viewer, lineId, quantity) =>
      events.transact(({ em }) => setQuantity(em, viewer.userId, lineId, quantity)),
  };
}

async function add(em: Em, viewerId: string, variantId: string, quantity: number, now: Date): Promise<Cart> {
  const { variant, product } = await requireVariant(em, viewerId, variantId);
  const cart = await requireLockedCart(em, viewerId, now);
  const lines = await readPricedLines(em, viewerId, await findCartLines(em, [cart.id]));
  const present = lines.find(({ line }) => line.variantId === variantId)?.line;
  requireOneCurrency(product, lines);
  if (!present) requireRoom(lines.length);
  await saveCartLine(em, {
    id: present?.id ?? newId('CartLine', now.getTime()),
    cartId: cart.id,
    variantId,
    quantity: addedQuantity(product, present?.quantity ?? 0, quantity),
    seenPriceMinor: variant.price.amountMinor,
  });
  return nextVersion(em, cart);
}

async function requireVariant(
  em: Em,
  viewerId: string,
  variantId: string,
): Promise<{ variant: Variant; product: Product }> {
  const [variant] = isId('ProductVariant', variantId) ? await findVariantsById(em, [variantId]) : [];
  const [found] = variant ? await findProductsById(em, [variant.productId]) : [];
  const product = requireBuyable(found ?? null, viewerId, 'variantId', variantId);
  return { variant: variant!, product };
}

async function setQuantity(em: Em, viewerId: string, lineId: string, quantity: number): Promise<Cart> {
  const { cart, line } = await requireLine(em, viewerId, lineId);
  const [priced] = await readPricedLines(em, viewerId, [line]);
  const { variant, product } = priced!;
  requireQuantity(product, quantity, 0);
  if (quantity === 0) await deleteCartLine(em, lineId);
  else await saveCartLine(em, { ...line, quantity, seenPriceMinor: variant.price.amountMinor });
  return nextVersion(em, cart);
}

/** The line, read once more under its cart's lock: it may have been removed while that was waited for. */
async function requireLine(
  em: Em,
  viewerId: string,
  lineId: string,
): Promise<{ cart: Cart; line: CartLine }> {
  const unknown = () => new Refusal(notFound('lineId', lineId, 'There is no such line.'));
  const found = isId('CartLine', lineId) ? await findCartLine(em, lineId) : null;
  if (!found) throw unknown();
  const cart = await lockCart(em, found.cartId);
  if (cart?.ownerId !== viewerId) throw unknown();
  requireOpenCart(cart, viewerId, cart.id);
  const line = await findCartLine(em, lineId);
  if (!line) throw unknown();
  return { cart, line };
}

async function nextVersion(em: Em, cart: Cart): Promise<Cart> {
  const next = { ...cart, version: cart.version + 1 };
  await saveCartVersion(em, next);
  return next;
}

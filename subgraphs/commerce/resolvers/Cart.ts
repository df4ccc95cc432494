import { isId } from '#platform/ids.ts';
import { problemsOf } from '../domain/cart.ts';
import { totalOf } from '../domain/checkout.ts';
import { multiply } from '../domain/money.ts';
import type { Context } from '../context.ts';
import type { Variant } from '../domain/product.ts';
import type { CartLineResolvers, CartResolvers } from '../generated/resolvers.ts';

export const Cart: CartResolvers = {
  __resolveReference: async ({ id }, { directory, viewer }) => {
    const cart = isId('Cart', id) ? await directory.cartsById.load(id) : null;
    return cart && cart.ownerId === viewer?.userId ? cart : null;
  },
  lines: async (cart, _args, { directory }) => (await directory.pricedLinesOf(cart)).map(({ line }) => line),
  subtotal: async (cart, _args, { directory }) => totalOf(await directory.pricedLinesOf(cart)),
  total: async (cart, _args, { directory }) => totalOf(await directory.pricedLinesOf(cart)),
  problems: async (cart, _args, { directory }) => problemsOf(await directory.pricedLinesOf(cart)),
};

export const CartLine: CartLineResolvers = {
  variant: ({ variantId }, _args, context) => variantOf(context, variantId),
  unitPrice: async ({ variantId }, _args, context) => (await variantOf(context, variantId)).price,
  total: async ({ variantId, quantity }, _args, context) =>
    multiply((await variantOf(context, variantId)).price, quantity),
};

// A foreign key holds each line to its variant.
const variantOf = async ({ directory }: Context, id: string): Promise<Variant> =>
  (await directory.variantsById.load(id))!;

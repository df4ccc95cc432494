import { isId } from '#platform/ids.ts';
import type { Context } from '../context.ts';
import { multiply, sum } from '../domain/money.ts';
import { orderNumber, type Order as OrderModel, type OrderLine as Line } from '../domain/order.ts';
import type {
  LicenceResolvers,
  OrderLineResolvers,
  OrderResolvers,
  PaymentResolvers,
  RefundResolvers,
} from '../generated/resolvers.ts';

export const Order: OrderResolvers = {
  __resolveReference: async ({ id }, { directory }) => {
    const order = isId('Order', id) ? await directory.ordersById.load(id) : null;
    const role = order && (await directory.roleIn(order));
    return role === 'BUYER' || role === 'SELLER' ? order : null;
  },
  number: ({ number }) => orderNumber(number),
  buyer: ({ buyerId }) => ({ id: buyerId }),
  lines: async (order, _args, context) => [...(await visibleLines(order, context))],
  total: async (order, _args, context) =>
    sum(
      (await visibleLines(order, context)).map(({ unitPrice, quantity }) => multiply(unitPrice, quantity)),
    ) ?? order.total,
  payments: async (order, _args, context) =>
    (await isSeller(order, context)) ? [] : [...(await context.directory.paymentsByOrder.load(order.id))],
  refunds: async ({ id }, _args, { directory }) => [...(await directory.refundsByOrder.load(id))],
  licences: async (order, _args, context) =>
    (await isSeller(order, context)) ? [] : [...(await context.directory.licencesByOrder.load(order.id))],
  reservedUntil: ({ state, reservedUntil }) => (state === 'PENDING_PAYMENT' ? reservedUntil : null),
  timeline: async ({ id }, _args, { directory }) => [...(await directory.transitionsByOrder.load(id))],
};

const isSeller = async (order: OrderModel, { directory }: Context) =>
  (await directory.roleIn(order)) === 'SELLER';

/** All of them, or those of a seller who looks at it: what else the buyer bought is not their business. */
async function visibleLines(order: OrderModel, context: Context): Promise<readonly Line[]> {
  const lines = await context.directory.linesByOrder.load(order.id);
  if (!(await isSeller(order, context))) return lines;
  return lines.filter(({ sellerId }) => sellerId === context.viewer?.userId);
}

export const OrderLine: OrderLineResolvers = {
  variant: async ({ variantId }, _args, { directory }) => (await directory.variantsById.load(variantId))!,
  total: ({ unitPrice, quantity }) => multiply(unitPrice, quantity),
  seller: ({ sellerId }) => ({ id: sellerId }),
};

export const Payment: PaymentResolvers = {
  at: ({ createdAt }) => createdAt,
};

export const Refund: RefundResolvers = {
  at: ({ createdAt }) => createdAt,
};

export const Licence: LicenceResolvers = {
  __resolveReference: async ({ id }, { directory, viewer }) => {
    const licence = isId('Licence', id) ? await directory.licencesById.load(id) : null;
    return licence && licence.holderId === viewer?.userId ? licence : null;
  },
  holder: ({ holderId }) => ({ id: holderId }),
  product: async ({ productId }, _args, { directory }) => (await directory.productsById.load(productId))!,
};

import { requireViewer } from '#platform/auth-directive.ts';
import { toPayload, toResult } from '#platform/payload.ts';
import type { Viewer } from '#platform/viewer.ts';
import type { Context } from '../context.ts';
import type { Cart } from '../domain/cart.ts';
import type { Order } from '../domain/order.ts';
import type { Product } from '../domain/product.ts';
import type { CheckoutOutcome } from '../service/checkout.ts';
import type { MutationResolvers } from '../generated/resolvers.ts';

export const Mutation: MutationResolvers = {
  createProduct: (_root, { input }, context) =>
    product(context, (viewer) => context.catalogue.create(viewer, input)),
  updateProduct: (_root, { id, input, expectedVersion }, context) =>
    product(context, (viewer) => context.catalogue.update(viewer, id, input, expectedVersion)),
  publishProduct: (_root, { id }, context) =>
    product(context, (viewer) => context.catalogue.publish(viewer, id)),
  archiveProduct: (_root, { id }, context) =>
    product(context, (viewer) => context.catalogue.archive(viewer, id)),
  adjustStock: (_root, { variantId, delta }, context) =>
    product(context, (viewer) => context.catalogue.adjustStock(viewer, variantId, delta)),

  addToCart: (_root, { variantId, quantity }, context) =>
    cart(context, (viewer) => context.carts.add(viewer, variantId, quantity ?? 1)),
  updateCartLine: (_root, { lineId, quantity }, context) =>
    cart(context, (viewer) => context.carts.setQuantity(viewer, lineId, quantity)),

  checkout: (_root, { input }, context) =>
    checkout(context, (viewer) => context.checkout.checkout(viewer, input)),
  confirmPayment: (_root, { orderId }, context) =>
    checkout(context, (viewer) => context.orders.confirmPayment(viewer, orderId)),

  cancelOrder: (_root, { id }, context) => order(context, (viewer) => context.orders.cancel(viewer, id)),
  refundOrder: (_root, { input }, context) =>
    order(context, (viewer) => context.refunds.refund(viewer, input)),
  confirmDelivery: (_root, { orderId }, context) =>
    order(context, (viewer) => context.orders.confirmDelivery(viewer, orderId)),
};

/** Runs a change for the signed-in viewer; what the operation reads afterwards is read afresh. */
async function change<T>(context: Context, run: (viewer: Viewer) => Promise<T>): Promise<T> {
  const result = await run(requireViewer(context));
  context.forget();
  return result;
}

const product = (context: Context, run: (viewer: Viewer) => Promise<Product>) =>
  toPayload(async () => ({ product: await change(context, run) }));

const cart = (context: Context, run: (viewer: Viewer) => Promise<Cart>) =>
  toPayload(async () => ({ cart: await change(context, run) }));

const order = (context: Context, run: (viewer: Viewer) => Promise<Order>) =>
  toPayload(async () => ({ order: await change(context, run) }));

const checkout = (context: Context, run: (viewer: Viewer) => Promise<CheckoutOutcome>) =>
  toResult(() => change(context, run));

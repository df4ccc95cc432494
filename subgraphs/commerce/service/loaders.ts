import type { Em } from '#platform/database.ts';
import { createGroupLoader, createLoader } from '#platform/loader.ts';
import { findCartsById, findOpenCarts } from '../data/cart.repository.ts';
import { findLicencesById, findLicencesOfOrders } from '../data/licence.repository.ts';
import { findOrderLines, findOrdersById, findTransitions } from '../data/order.repository.ts';
import { findPayments, findRefunds } from '../data/payment.repository.ts';
import {
  findProductsById,
  findProductsBySlug,
  findVariantsById,
  findVariantsOf,
} from '../data/product.repository.ts';

type FindMany<V> = (em: Em, keys: readonly string[]) => Promise<V[]>;

/** Look-ups that are the same for every viewer. */
export function createLoaders(em: Em) {
  const by = <V>(find: FindMany<V>, keyOf: (value: V) => string) =>
    createLoader<V>((keys) => find(em, keys), keyOf);
  const groupedBy = <V>(find: FindMany<V>, keyOf: (value: V) => string) =>
    createGroupLoader<V>((keys) => find(em, keys), keyOf);
  const byId = <V extends { readonly id: string }>(find: FindMany<V>) => by(find, ({ id }) => id);
  const byOrder = <V extends { readonly orderId: string }>(find: FindMany<V>) =>
    groupedBy(find, ({ orderId }) => orderId);
  return {
    productsById: byId(findProductsById),
    productsBySlug: by(findProductsBySlug, ({ slug }) => slug),
    variantsById: byId(findVariantsById),
    variantsByProduct: groupedBy(findVariantsOf, ({ productId }) => productId),
    cartsById: byId(findCartsById),
    openCarts: by(findOpenCarts, ({ ownerId }) => ownerId),
    ordersById: byId(findOrdersById),
    linesByOrder: byOrder(findOrderLines),
    paymentsByOrder: byOrder(findPayments),
    refundsByOrder: byOrder(findRefunds),
    transitionsByOrder: byOrder(findTransitions),
    licencesByOrder: byOrder(findLicencesOfOrders),
    licencesById: byId(findLicencesById),
  };
}

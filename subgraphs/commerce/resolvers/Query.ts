import { invalid, Refusal } from '#platform/errors.ts';
import { isId } from '#platform/ids.ts';
import { pageOfProducts } from '../service/product-list.ts';
import type { QueryResolvers } from '../generated/resolvers.ts';

const SLUG = /^[a-z0-9-]{1,100}$/;

export const Query: QueryResolvers = {
  product: async (_root, { id, slug }, { directory }) => {
    if ((id == null) === (slug == null))
      throw new Refusal(invalid('id', 'ONE_OF', 'Give either id or slug.'));
    if (id != null)
      return isId('Product', id) ? directory.visible(await directory.productsById.load(id)) : null;
    return SLUG.test(slug!) ? directory.visible(await directory.productsBySlug.load(slug!)) : null;
  },

  products: (_root, { filter, sort, ...args }, { em }) =>
    pageOfProducts(em, filter ?? {}, sort ?? 'NEWEST', args),

  order: async (_root, { id }, { directory }) => {
    const order = isId('Order', id) ? await directory.ordersById.load(id) : null;
    const role = order && (await directory.roleIn(order));
    return role === 'BUYER' || role === 'SELLER' ? order : null;
  },
};

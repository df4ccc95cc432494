import { isId } from '#platform/ids.ts';
import { formatAmount } from '../domain/money.ts';
import { inStock } from '../domain/product.ts';
import type { MoneyResolvers, ProductResolvers, ProductVariantResolvers } from '../generated/resolvers.ts';

export const Money: MoneyResolvers = {
  amount: formatAmount,
};

export const Product: ProductResolvers = {
  __resolveReference: async ({ id }, { directory }) =>
    isId('Product', id) ? directory.visible(await directory.productsById.load(id)) : null,
  seller: ({ sellerId }) => ({ id: sellerId }),
  track: ({ trackId }) => (trackId === null ? null : { id: trackId }),
  variants: async ({ id }, _args, { directory }) => [...(await directory.variantsByProduct.load(id))],
  priceRange: ({ minPriceMinor, maxPriceMinor, currency }) => ({
    min: { amountMinor: minPriceMinor, currency },
    max: { amountMinor: maxPriceMinor, currency },
  }),
};

export const ProductVariant: ProductVariantResolvers = {
  __resolveReference: async ({ id }, { directory }) => {
    const variant = isId('ProductVariant', id) ? await directory.variantsById.load(id) : null;
    const product = variant && (await directory.productsById.load(variant.productId));
    return product && directory.visible(product) ? variant : null;
  },
  // Reached through an order or a licence, what was bought is shown also where it is no longer on sale.
  product: async ({ productId }, _args, { directory }) => (await directory.productsById.load(productId))!,
  licence: ({ terms }) => terms,
  available: async (variant, _args, { directory }) =>
    inStock(variant, 1) && (await directory.productsById.load(variant.productId))?.state === 'PUBLISHED',
};

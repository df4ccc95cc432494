import type { Em } from '#platform/database.ts';
import { findOwnedVariants } from '../data/order.repository.ts';
import {
  findProductsById,
  findVariantsById,
  lockVariants,
  shareProducts,
} from '../data/product.repository.ts';
import type { CartLine, PricedLine } from '../domain/cart.ts';
import type { Product, Variant } from '../domain/product.ts';

/** The lines of a buyer with what they ask for, as it is now, in the order of the lines. */
export async function readPricedLines(
  em: Em,
  buyerId: string,
  lines: readonly CartLine[],
): Promise<PricedLine[]> {
  const variants = await findVariantsById(em, variantIdsOf(lines));
  const products = await findProductsById(em, productIdsOf(variants));
  return join(em, buyerId, lines, variants, products);
}

/**
 * As readPricedLines, but nothing of it changes until the transaction ends. Products before variants, each in the order of ids: sellers who
 * change a product take the same locks in the same order.
 */
export async function lockPricedLines(
  em: Em,
  buyerId: string,
  lines: readonly CartLine[],
): Promise<PricedLine[]> {
  const variantIds = variantIdsOf(lines);
  const products = await shareProducts(em, productIdsOf(await findVariantsById(em, variantIds)));
  const variants = await lockVariants(em, variantIds);
  return join(em, buyerId, lines, variants, products);
}

const variantIdsOf = (lines: readonly CartLine[]) => lines.map(({ variantId }) => variantId);
const productIdsOf = (variants: readonly Variant[]) => variants.map(({ productId }) => productId);

async function join(
  em: Em,
  buyerId: string,
  lines: readonly CartLine[],
  variants: readonly Variant[],
  products: readonly Product[],
): Promise<PricedLine[]> {
  const ownedIds = new Set(
    (await findOwnedVariants(em, buyerId, variantIdsOf(lines))).map(({ variantId }) => variantId),
  );
  const variantsById = new Map(variants.map((variant) => [variant.id, variant]));
  const productsById = new Map(products.map((product) => [product.id, product]));
  return lines.map((line) => {
    // Foreign keys hold each line to its variant and product, and neither is ever deleted.
    const variant = variantsById.get(line.variantId)!;
    const product = productsById.get(variant.productId)!;
    return { line, variant, product, owned: ownedIds.has(variant.id) };
  });
}

import type { Em } from '#platform/database.ts';
import { conflict, forbidden, notFound, Refusal, refuseIfAny } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { isId, newId } from '#platform/ids.ts';
import { checkRange } from '#platform/rules.ts';
import type { Viewer } from '#platform/viewer.ts';
import {
  findProductsById,
  findTrackArtist,
  findVariantsOf,
  insertProduct,
  insertVariants,
  lockProduct,
  lockProductsOfTrack,
  lockVariants,
  markTrackDeleted,
  saveProduct,
  saveStock,
  saveVariant,
} from '../data/product.repository.ts';
import {
  acceptChanges,
  acceptProduct,
  priceRangeOf,
  type AcceptedVariant,
  type ProductChanges,
  type ProductInput,
} from '../domain/product-input.ts';
import {
  adjustedStock,
  MAX_STOCK,
  requireSeller,
  requireVersion,
  slugOf,
  type Product,
} from '../domain/product.ts';

/** Ids that a caller could never choose, for demo data. */
export interface Preset {
  readonly id: string;
  readonly variantIds: readonly string[];
}

/** Every change answers with the product as it is after it. */
export interface Catalogue {
  create(viewer: Viewer, input: ProductInput, preset?: Preset): Promise<Product>;
  update(viewer: Viewer, id: string, changes: ProductChanges, expectedVersion: number): Promise<Product>;
  publish(viewer: Viewer, id: string): Promise<Product>;
  archive(viewer: Viewer, id: string): Promise<Product>;
  adjustStock(viewer: Viewer, variantId: string, delta: number): Promise<Product>;
}

export interface CatalogueDeps {
  readonly events: Events;
  readonly now: () => Date;
}

export function createCatalogue(deps: CatalogueDeps): Catalogue {
  return {
    create: (viewer, input, preset) => create(deps, viewer, input, preset),
    update: (viewer, id, changes, version) => update(deps, viewer, id, changes, version),
    publish: (viewer, id) => publish(deps, viewer, id),
    archive: (viewer, id) =>
      deps.events.transact(async (tx) => {
        const product = await requireOwn(tx.em, viewer, id);
        return product.state === 'ARCHIVED' ? product : archive(tx, product, viewer.userId);
      }),
    adjustStock: (viewer, variantId, delta) =>
      deps.events.transact((tx) => adjustStock(tx, viewer, variantId, delta)),
  };
}

async function create(
  { events, now }: CatalogueDeps,
  viewer: Viewer,
  input: ProductInput,
  preset?: Preset,
): Promise<Product> {
  const { variants, ...accepted } = acceptProduct(input);
  const createdAt = now();
  const id = preset?.id ?? newId('Product', createdAt.getTime());
  const { min: minPriceMinor, max: maxPriceMinor } = priceRangeOf(variants);
  const product: Product = {
    ...accepted,
    ...{ id, slug: slugOf(accepted.title, id), sellerId: viewer.userId, state: 'DRAFT', version: 1 },
    ...{ minPriceMinor, maxPriceMinor, createdAt, publishedAt: null },
  };
  return events.transact(async ({ em }) => {
    if (product.trackId !== null) await requireOwnTrack(em, product.trackId, viewer.userId);
    await insertProduct(em, product);
    await insertVariants(em, withIds(variants, id, preset?.variantIds), 0);
    return product;
  });
}

const withIds = (variants: readonly AcceptedVariant[], productId: string, ids: readonly string[] = []) =>
  variants.map((variant, index) => ({ ...variant, productId, id: ids[index] ?? newId('ProductVariant') }));

/** Nobody sells somebody else's music. */
async function requireOwnTrack(em: Em, trackId: string, viewerId: string): Promise<void> {
  const artistId = isId('Track', trackId) ? await findTrackArtist(em, trackId) : null;
  const field = 'input.trackId';
  if (artistId === null) throw new Refusal(notFound(field, trackId, 'There is no such published track.'));
  if (artistId !== viewerId) throw new Refusal(forbidden('This track is not yours.', null, field));
}

async function requireOwn(em: Em, viewer: Viewer, id: string): Promise<Product> {
  const product = isId('Product', id) ? await lockProduct(em, id) : null;
  return requireSeller(product, viewer.userId, 'id', id);
}

async function update(
  { events }: CatalogueDeps,
  viewer: Viewer,
  id: string,
  changes: ProductChanges,
  expectedVersion: number,
): Promise<Product> {
  return events.transact(async (tx) => {
    const product = await requireOwn(tx.em, viewer, id);
    requireVersion(product, expectedVersion);
    const variants = await findVariantsOf(tx.em, [id]);
    const { title, description, changed, added } = acceptChanges(product, variants, changes);
    for (const variant of changed) await saveVariant(tx.em, variant);
    await insertVariants(tx.em, withIds(added, id), variants.length);
    const { min: minPriceMinor, max: maxPriceMinor } = priceRangeOf(await findVariantsOf(tx.em, [id]));
    const version = product.version + 1;
    const next = { ...product, title, description, minPriceMinor, maxPriceMinor, version };
    await saveProduct(tx.em, next);
    // Others list what they hear of; a draft or an archived product is nobody's business but its seller's.
    if (next.state === 'PUBLISHED') await announce(tx, 'product.updated', next, viewer.userId);
    return next;
  });
}

async function publish({ events, now }: CatalogueDeps, viewer: Viewer, id: string): Promise<Product> {
  return events.transact(async (tx) => {
    const product = await requireOwn(tx.em, viewer, id);
    if (product.state === 'PUBLISHED') return product;
    if (product.trackId !== null && (await findTrackArtist(tx.em, product.trackId)) === null)
      throw new Refusal(conflict('Its track has been deleted.', product.version, 'id'));
    const next: Product = { ...product, state: 'PUBLISHED', publishedAt: product.publishedAt ?? now() };
    await saveProduct(tx.em, next);
    await announce(tx, 'product.published', next, viewer.userId);
    return next;
  });
}

async function archive(tx: Transaction, product: Product, actorId: string | null): Promise<Product> {
  const next: Product = { ...product, state: 'ARCHIVED' };
  await saveProduct(tx.em, next);
  const { id: productId, sellerId } = product;
  await tx.append({
    stream: `product:${productId}`,
    name: 'product.archived',
    payload: { productId, sellerId },
    actorId,
  });
  return next;
}

/** Takes everything made of a track off sale, and lets nothing of it come back. */
export async function archiveProductsOfTrack(
  tx: Transaction,
  trackId: string,
  artistId: string,
): Promise<void> {
  await markTrackDeleted(tx.em, trackId, artistId);
  for (const product of await lockProductsOfTrack(tx.em, trackId)) await archive(tx, product, null);
}

async function adjustStock(
  tx: Transaction,
  viewer: Viewer,
  variantId: string,
  delta: number,
): Promise<Product> {
  refuseIfAny(checkRange('delta', delta === 0 ? Number.NaN : delta, -MAX_STOCK, MAX_STOCK));
  const [variant] = isId('ProductVariant', variantId) ? await lockVariants(tx.em, [variantId]) : [];
  const [product] = variant ? await findProductsById(tx.em, [variant.productId]) : [];
  const { id: productId, sellerId } = requireSeller(product ?? null, viewer.userId, 'variantId', variantId);
  const stock = adjustedStock(variant!, delta);
  await saveStock(tx.em, variantId, stock);
  const payload = { productId, sellerId, variantId, delta, stock };
  await tx.append({
    stream: `product:${productId}`,
    name: 'product.stockAdjusted',
    payload,
    actorId: viewer.userId,
  });
  return product!;
}

async function announce(
  tx: Transaction,
  name: 'product.published' | 'product.updated',
  { id: productId, sellerId, trackId, title, description, kind }: Product,
  actorId: string,
): Promise<void> {
  const payload = { productId, sellerId, trackId, title, description, kind };
  await tx.append({ stream: `product:${productId}`, name, payload, actorId });
}

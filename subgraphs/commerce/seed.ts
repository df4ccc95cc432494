import type { Database } from '#platform/database.ts';
import { DEMO_TRACKS, DEMO_USERS } from '#platform/demo.ts';
import type { Services } from './context.ts';
import { findProductsById, insertTrack } from './data/product.repository.ts';
import type { ProductInput } from './domain/product-input.ts';

interface DemoProduct {
  readonly sellerId: string;
  readonly id: string;
  readonly variantIds: readonly string[];
  readonly input: ProductInput;
}

const [mira, teo, juno] = DEMO_USERS;
const [kettle, , brokenLift, slowMix] = DEMO_TRACKS;

const DOWNLOAD: DemoProduct = {
  sellerId: mira.id,
  id: 'prd_01hs8z3q8a1c5f9j3m7q1t5w9z',
  variantIds: ['pvr_01hs8z3q8a2d6g0k4n8r2v6x0a'],
  input: {
    title: kettle.title,
    description: 'The whole piece as WAV and FLAC, with the cover.',
    kind: 'TRACK_DOWNLOAD',
    trackId: kettle.id,
    currency: 'EUR',
    variants: [{ sku: 'KETTLE-WAV', title: 'WAV and FLAC', price: '1.50' }],
  },
};

const BEAT: DemoProduct = {
  sellerId: mira.id,
  id: 'prd_01hs8z3q8b2d6g0k4n8r2v6x0a',
  variantIds: ['pvr_01hs8z3q8b3e7h1m5p9s3w7y1b', 'pvr_01hs8z3q8b4f8j2n6q0t4x8z2c'],
  input: {
    title: `${brokenLift.title} (beat)`,
    description: '92 bpm, F minor. Stems come with the exclusive licence.',
    kind: 'BEAT',
    trackId: brokenLift.id,
    currency: 'EUR',
    variants: [
      {
        sku: 'LIFT-LEASE',
        title: 'Lease',
        price: '29',
        licence: { name: 'Standard lease', streaming: true, maxCopies: 10_000 },
      },
      {
        sku: 'LIFT-EXCLUSIVE',
        title: 'Exclusive',
        price: '450',
        licence: { name: 'Exclusive rights', exclusive: true, streaming: true },
      },
    ],
  },
};

const SAMPLES: DemoProduct = {
  sellerId: teo.id,
  id: 'prd_01hs8z3q8c3e7h1m5p9s3w7y1b',
  variantIds: ['pvr_01hs8z3q8c5g9k3p7r1v5y9a3d'],
  input: {
    title: 'Harbour Machines',
    description: '140 recordings of winches, ropes and cranes. 48 kHz, 24 bit.',
    kind: 'SAMPLE_PACK',
    currency: 'EUR',
    variants: [
      {
        sku: 'HARBOUR-1',
        title: 'Full pack',
        price: '19.90',
        licence: { name: 'Royalty free', streaming: true },
      },
    ],
  },
};

const STEMS: DemoProduct = {
  sellerId: teo.id,
  id: 'prd_01hs8z3q8d4f8j2n6q0t4x8z2c',
  variantIds: ['pvr_01hs8z3q8d6h0m4q8s2w6z0b4e'],
  input: {
    title: `${slowMix.title}: stems`,
    description: 'Eight stems, for practice mixes.',
    kind: 'STEMS',
    trackId: slowMix.id,
    currency: 'EUR',
    variants: [{ sku: 'SLOW-STEMS', title: 'Stems', price: '12', stock: 25 }],
  },
};

/** What the artists of the demo sell, and a completed order of a listener. */
export async function seed(services: Services, database: Database): Promise<void> {
  if ((await findProductsById(database.fork(), [DOWNLOAD.id])).length > 0) return;
  // Their publication is told by an event as well; which comes first does not matter.
  for (const { id, artistId } of DEMO_TRACKS) await insertTrack(database.fork(), id, artistId);
  for (const product of [DOWNLOAD, BEAT, SAMPLES, STEMS]) await sell(services, product);
  await buy(services, DOWNLOAD);
}

async function sell(
  { catalogue }: Services,
  { sellerId, id, variantIds, input }: DemoProduct,
): Promise<void> {
  await catalogue.create(viewerOf(sellerId), input, { id, variantIds });
  await catalogue.publish(viewerOf(sellerId), id);
}

async function buy({ carts, checkout, orders }: Services, { variantIds, input }: DemoProduct): Promise<void> {
  const viewer = viewerOf(juno.id);
  const { id: cartId } = await carts.add(viewer, variantIds[0]!, 1);
  const { order } = await checkout.checkout(viewer, {
    cartId,
    expectedTotal: input.variants[0]!.price,
    provider: 'TEST',
    paymentMethodId: 'pm_ok',
    idempotencyKey: 'demo-order-1',
  });
  await orders.confirmDelivery(viewer, order.id);
}

const viewerOf = (userId: string) => ({ userId, sessionId: 'seed', roles: [] });

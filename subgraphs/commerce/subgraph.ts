import type { Database } from '#platform/database.ts';
import { createEndpoint } from '#platform/subgraph.ts';
import type { Foundation, Subgraph, SubgraphDefinition } from '#platform/subgraph-process.ts';
import { createContext, type Services } from './context.ts';
import { CartEntity, CartLineEntity } from './data/cart.entity.ts';
import { ProductEntity, TrackEntity, VariantEntity } from './data/catalogue.entity.ts';
import { LicenceEntity } from './data/licence.entity.ts';
import { CommerceTables } from './data/migrations/commerce-tables.ts';
import { TestProviderTables } from './data/migrations/test-provider-tables.ts';
import { OrderEntity, OrderLineEntity, TransitionEntity } from './data/order.entity.ts';
import { PaymentEntity, RefundEntity } from './data/payment.entity.ts';
import { testPaymentProvider } from './data/test-payment-provider.ts';
import type { PaymentProvider } from './domain/ports.ts';
import { registerReactions } from './reactions.ts';
import { resolvers } from './resolvers/resolvers.ts';
import { seed } from './seed.ts';
import { createCarts } from './service/carts.ts';
import { createCatalogue } from './service/catalogue.ts';
import { createCheckout } from './service/checkout.ts';
import { createOrderFeed } from './service/order-feed.ts';
import { createOrderKeeper, type OrderKeeper } from './service/order-keeper.ts';
import { createOrders } from './service/orders.ts';
import { createPayments } from './service/payments.ts';
import { createRefunds } from './service/refunds.ts';

export interface CommerceSubgraph extends Subgraph {
  readonly orderKeeper: OrderKeeper;
}

export interface CommerceOptions {
  /** Makes the provider on the subgraph's database. Default: the test provider. */
  readonly paymentProvider?: (database: Database) => PaymentProvider;
  /** How long an answer of the provider is waited for. Default 10 s. */
  readonly providerTimeoutMs?: number;
  /** How often the order keeper looks for what is due. Default 5 s. */
  readonly keeperPollMs?: number;
}

const PROVIDER_TIMEOUT_MS = 10_000;
const KEEPER_POLL_MS = 5_000;

/** Products, carts, orders, payments, licences. */
export function commerceSubgraph(options: CommerceOptions = {}): SubgraphDefinition<CommerceSubgraph> {
  return {
    name: 'commerce',
    entities: [
      ...[ProductEntity, VariantEntity, TrackEntity, CartEntity, CartLineEntity, LicenceEntity],
      ...[OrderEntity, OrderLineEntity, TransitionEntity, PaymentEntity, RefundEntity],
    ],
    migrations: [CommerceTables, TestProviderTables],
    create: (foundation) => createCommerceSubgraph(foundation, options),
  };
}

function createCommerceSubgraph(foundation: Foundation, options: CommerceOptions): CommerceSubgraph {
  const { database, events, secret, log } = foundation;
  const provider = (options.paymentProvider ?? testPaymentProvider)(database);
  const providerTimeoutMs = options.providerTimeoutMs ?? PROVIDER_TIMEOUT_MS;
  const payments = createPayments({ ...foundation, provider, providerTimeoutMs });
  const refunds = createRefunds({ ...foundation, provider, providerTimeoutMs });
  const services: Services = {
    catalogue: createCatalogue(foundation),
    carts: createCarts(foundation),
    checkout: createCheckout({ ...foundation, payments }),
    orders: createOrders({ ...foundation, payments }),
    refunds,
    orderFeed: createOrderFeed(foundation),
  };
  const pollMs = options.keeperPollMs ?? KEEPER_POLL_MS;
  const orderKeeper = createOrderKeeper({ ...foundation, payments, refunds, pollMs });
  registerReactions(events);
  const endpoint = createEndpoint({
    schemaFile: new URL('schema.graphql', import.meta.url),
    resolvers,
    createContext: (scope) => createContext(scope, services, database),
    secret,
    log,
  });
  return {
    endpoint,
    orderKeeper,
    start: () => orderKeeper.start(),
    stop: () => orderKeeper.stop(),
    seed: () => seed(services, database),
  };
}

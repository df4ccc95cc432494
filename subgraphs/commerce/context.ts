import type { Database, Em } from '#platform/database.ts';
import type { OperationScope } from '#platform/subgraph.ts';
import type { Carts } from './service/carts.ts';
import type { Catalogue } from './service/catalogue.ts';
import type { Checkout } from './service/checkout.ts';
import { createDirectory, type Directory } from './service/directory.ts';
import type { OrderFeed } from './service/order-feed.ts';
import type { Orders } from './service/orders.ts';
import type { Refunds } from './service/refunds.ts';

export interface Services {
  readonly catalogue: Catalogue;
  readonly carts: Carts;
  readonly checkout: Checkout;
  readonly orders: Orders;
  readonly refunds: Refunds;
  readonly orderFeed: OrderFeed;
}

/** What the resolvers of one operation work with. */
export interface Context extends OperationScope, Services {
  readonly em: Em;
  /** Its loaders remember what they read: `forget` makes a new one after each change. */
  directory: Directory;
  forget(): void;
}

export function createContext(scope: OperationScope, services: Services, database: Database): Context {
  const em = database.fork();
  return {
    ...scope,
    ...services,
    em,
    directory: createDirectory(em, scope.viewer),
    forget() {
      this.directory = createDirectory(em, scope.viewer);
    },
  };
}

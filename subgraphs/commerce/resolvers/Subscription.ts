import { requireViewer } from '#platform/auth-directive.ts';
import type { FeedEvent } from '../service/order-feed.ts';
import type {
  OrderResyncRequiredResolvers,
  OrderStateChangedResolvers,
  SubscriptionResolvers,
} from '../generated/resolvers.ts';

export const Subscription: SubscriptionResolvers = {
  orderUpdated: {
    subscribe: async (_root, { orderId, after }, context) =>
      context.orderFeed.follow(requireViewer(context), orderId, after ?? null, context),
    resolve: (event: FeedEvent) => event,
  },
};

export const OrderStateChanged: OrderStateChangedResolvers = {
  order: ({ orderId }, _args, { directory }) => directory.ordersById.load(orderId),
};

export const OrderResyncRequired: OrderResyncRequiredResolvers = {
  order: ({ orderId }, _args, { directory }) => directory.ordersById.load(orderId),
};

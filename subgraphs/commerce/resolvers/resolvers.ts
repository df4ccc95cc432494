import { DateTime, Decimal, EventCursor, Json, Url } from '#platform/scalars.ts';
import type { Resolvers } from '../generated/resolvers.ts';
import { Cart, CartLine } from './Cart.ts';
import { Mutation } from './Mutation.ts';
import { Licence, Order, OrderLine, Payment, Refund } from './Order.ts';
import { Money, Product, ProductVariant } from './Product.ts';
import { Query } from './Query.ts';
import { OrderResyncRequired, OrderStateChanged, Subscription } from './Subscription.ts';
import { Track } from './Track.ts';
import { User, Viewer } from './Viewer.ts';

export const resolvers: Resolvers = {
  Query,
  Mutation,
  Subscription,
  OrderStateChanged,
  OrderResyncRequired,
  User,
  Viewer,
  Track,
  Product,
  ProductVariant,
  Money,
  Cart,
  CartLine,
  Order,
  OrderLine,
  Payment,
  Refund,
  Licence,
  DateTime,
  Decimal,
  EventCursor,
  JSON: Json,
  URL: Url,
};

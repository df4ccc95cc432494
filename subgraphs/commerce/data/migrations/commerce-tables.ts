import { Migration } from '@mikro-orm/migrations';

export class CommerceTables extends Migration {
  override up(): void {
    for (const statement of [...CATALOGUE, ...CARTS, ...ORDERS]) this.addSql(statement);
  }
}

const CATALOGUE = [
  // Published tracks of the stream subgraph and who may sell them.
  `create table track (
    id text primary key,
    artist_id text not null,
    deleted boolean not null default false)`,
  `create table product (
    id text primary key,
    slug text not null unique,
    seller_id text not null,
    track_id text references track (id),
    kind text not null check (kind in ('BEAT', 'SAMPLE_PACK', 'PRESET', 'TRACK_DOWNLOAD', 'STEMS', 'TICKET')),
    title text not null,
    description text,
    currency text not null,
    state text not null check (state in ('DRAFT', 'PUBLISHED', 'ARCHIVED')),
    version int not null,
    min_price_minor bigint not null check (min_price_minor > 0),
    max_price_minor bigint not null check (max_price_minor >= min_price_minor),
    created_at timestamptz not null,
    published_at timestamptz,
    check (state <> 'PUBLISHED' or published_at is not null))`,
  `create index product_newest on product (published_at, id) where state = 'PUBLISHED'`,
  `create index product_newest_of_kind on product (kind, published_at, id) where state = 'PUBLISHED'`,
  `create index product_by_price on product (currency, min_price_minor, id) where state = 'PUBLISHED'`,
  `create index product_of_seller on product (seller_id, id)`,
  `create index product_of_track on product (track_id, id) where track_id is not null`,
  `create table product_variant (
    id text primary key,
    product_id text not null references product (id),
    position int not null,
    sku text not null,
    title text not null,
    price_minor bigint not null check (price_minor > 0),
    currency text not null,
    stock int check (stock >= 0),
    licence_name text not null,
    exclusive boolean not null,
    territory text not null,
    streaming boolean not null,
    max_copies int check (max_copies > 0),
    check (not exclusive or stock in (0, 1)),
    unique (product_id, sku),
    unique (product_id, position))`,
];

const CARTS = [
  `create table cart (
    id text primary key,
    owner_id text not null,
    state text not null check (state in ('OPEN', 'CHECKED_OUT')),
    version int not null,
    created_at timestamptz not null)`,
  `create unique index cart_open on cart (owner_id) where state = 'OPEN'`,
  `create table cart_line (
    id text primary key,
    position bigint generated always as identity,
    cart_id text not null references cart (id),
    variant_id text not null references product_variant (id),
    quantity int not null check (quantity between 1 and 100),
    seen_price_minor bigint not null check (seen_price_minor > 0),
    unique (cart_id, variant_id))`,
];

const ORDER_STATES = `('PENDING_PAYMENT', 'PAID', 'FULFILLED', 'COMPLETED', 'CANCELLED', 'FAILED', 'REFUNDED')`;

const ORDERS = [
  `create table shop_order (
    id text primary key,
    number bigint generated always as identity unique,
    buyer_id text not null,
    cart_id text not null references cart (id),
    state text not null check (state in ${ORDER_STATES}),
    total_minor bigint not null check (total_minor > 0),
    currency text not null,
    idempotency_key text not null,
    fingerprint text not null,
    placed_at timestamptz not null,
    reserved_until timestamptz not null,
    next_check_at timestamptz,
    unique (buyer_id, idempotency_key))`,
  `create index order_of_buyer on shop_order (buyer_id, id)`,
  `create index order_due on shop_order (next_check_at) where next_check_at is not null`,
  // One cart is never paid for twice.
  `create unique index order_of_cart on shop_order (cart_id) where state not in ('FAILED', 'CANCELLED')`,
  `create table order_line (
    id text primary key,
    order_id text not null references shop_order (id),
    position int not null,
    product_id text not null references product (id),
    variant_id text not null references product_variant (id),
    seller_id text not null,
    title text not null,
    quantity int not null check (quantity > 0),
    unit_price_minor bigint not null check (unit_price_minor > 0),
    currency text not null,
    unique (order_id, position),
    unique (order_id, variant_id))`,
  `create index order_line_of_seller on order_line (seller_id, order_id)`,
  `create index order_line_of_variant on order_line (variant_id, order_id)`,
  `create table order_transition (
    position bigint generated always as identity primary key,
    order_id text not null references shop_order (id),
    from_state text check (from_state in ${ORDER_STATES}),
    to_state text not null check (to_state in ${ORDER_STATES}),
    at timestamptz not null,
    reason text)`,
  `create index order_transition_of_order on order_transition (order_id, position)`,
  `create table payment (
    id text primary key,
    order_id text not null unique references shop_order (id),
    provider text not null,
    method_id text not null,
    state text not null check (state in ('PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED', 'FAILED', 'CANCELLED')),
    amount_minor bigint not null check (amount_minor > 0),
    currency text not null,
    failure_code text,
    retryable boolean not null default false,
    client_secret text,
    created_at timestamptz not null)`,
  `create table refund (
    id text primary key,
    order_id text not null references shop_order (id),
    idempotency_key text not null,
    requested_by text not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text not null,
    reason text,
    state text not null check (state in ('PENDING', 'SUCCEEDED', 'FAILED')),
    created_at timestamptz not null,
    next_check_at timestamptz,
    unique (order_id, idempotency_key))`,
  // An order's money goes back once.
  `create unique index refund_once on refund (order_id) where state <> 'FAILED'`,
  `create index refund_due on refund (next_check_at) where next_check_at is not null`,
  `create table licence (
    id text primary key,
    holder_id text not null,
    order_id text not null references shop_order (id),
    product_id text not null references product (id),
    variant_id text not null references product_variant (id),
    track_id text references track (id),
    licence_name text not null,
    exclusive boolean not null,
    territory text not null,
    streaming boolean not null,
    max_copies int check (max_copies > 0),
    serial text not null unique,
    issued_at timestamptz not null,
    revoked_at timestamptz)`,
  `create unique index licence_exclusive on licence (variant_id) where exclusive and revoked_at is null`,
  `create index licence_of_holder on licence (holder_id, id) where revoked_at is null`,
  `create index licence_of_holder_variant on licence (holder_id, variant_id) where revoked_at is null`,
  `create index licence_of_holder_track on licence (holder_id, track_id) where revoked_at is null`,
  `create index licence_of_order on licence (order_id, id)`,
];

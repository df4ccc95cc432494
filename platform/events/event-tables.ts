import { Migration } from '@mikro-orm/migrations';

/** Event log, outbox and inbox: the same tables in every subgraph's database. It runs before the subgraph's own migrations. */
export class EventTables extends Migration {
  override up(): void {
    this.addSql(STREAMS);
    this.addSql(LOG);
    this.addSql(OUTBOX);
    this.addSql(INBOX);
    this.addSql(INBOX_PENDING);
    this.addSql(INBOX_ARRIVAL);
    this.addSql(INBOX_DEAD);
    this.addSql(INBOX_DONE);
  }

  override down(): void {
    this.addSql('drop table if exists inbox, outbox, event_log, event_stream');
  }
}

/** How far each consumer has read what the durable bus carries. */
export class InboxPositionTable extends Migration {
  override up(): void {
    this.addSql(INBOX_POSITION);
  }

  override down(): void {
    this.addSql('drop table if exists inbox_position');
  }
}

/** In which trace an event was written, for whoever reacts to it: kept as long as the event waits. */
export class OutboxTrace extends Migration {
  override up(): void {
    this.addSql('alter table outbox add column traceparent text');
  }

  override down(): void {
    this.addSql('alter table outbox drop column if exists traceparent');
  }
}

// `epoch` is random, so that a cursor from another life of the database (dropped, rebuilt) is recognised as foreign.
const STREAMS = `create table event_stream (
  stream text primary key,
  epoch integer not null,
  last_seq bigint not null
)`;

const LOG = `create table event_log (
  stream text not null references event_stream (stream),
  seq bigint not null,
  id text not null unique,
  name text not null,
  version integer not null,
  at timestamptz not null,
  actor_id text,
  correlation_id text,
  payload jsonb not null,
  primary key (stream, seq)
)`;

const OUTBOX = `create table outbox (
  position bigserial primary key,
  event_id text not null,
  stream text not null,
  seq bigint not null,
  foreign key (stream, seq) references event_log (stream, seq)
)`;

const INBOX = `create table inbox (
  position bigserial primary key,
  consumer text not null,
  event_id text not null,
  stream text not null,
  seq bigint not null,
  envelope jsonb not null,
  state text not null default 'pending' check (state in ('pending', 'done', 'dead')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  last_error text,
  received_at timestamptz not null,
  finished_at timestamptz,
  unique (consumer, event_id)
)`;

const INBOX_PENDING = `create index inbox_pending on inbox (consumer, stream, seq) where state = 'pending'`;
const INBOX_ARRIVAL = `create index inbox_arrival on inbox (consumer, position) where state = 'pending'`;
const INBOX_DEAD = `create index inbox_dead on inbox (position) where state = 'dead'`;
const INBOX_DONE = `create index inbox_done on inbox (finished_at) where state = 'done'`;

const INBOX_POSITION = `create table inbox_position (
  consumer text primary key,
  source text not null,
  seq bigint not null,
  mark text not null
)`;

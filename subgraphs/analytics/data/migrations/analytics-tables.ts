import { Migration } from '@mikro-orm/migrations';

export class AnalyticsTables extends Migration {
  override up(): void {
    this.addSql(`create table track (
      id text primary key,
      artist_id text not null,
      genre text,
      visibility text not null check (visibility in ('PUBLIC', 'UNLISTED', 'PRIVATE')),
      deleted boolean not null default false,
      seq bigint not null)`);
    this.addSql(`create index track_of_artist on track (artist_id)`);
    this.addSql(`create table room (
      id text primary key,
      visibility text not null check (visibility in ('PUBLIC', 'UNLISTED', 'PRIVATE')),
      seq bigint not null)`);
    this.addSql(`create table live_room (
      id text primary key,
      ended boolean not null default false,
      seq bigint not null)`);
    this.addSql(`create table subject_total (
      subject_id text primary key,
      value bigint not null)`);
    this.addSql(`create table play (
      caller text not null,
      client_event_id text not null,
      track_id text not null,
      listener_id text,
      played_at timestamptz not null,
      ms_played int not null check (ms_played > 0),
      received_at timestamptz not null,
      primary key (caller, client_event_id))`);
    this.addSql(`create table play_quarter (
      track_id text not null,
      at timestamptz not null,
      plays int not null check (plays > 0),
      primary key (track_id, at))`);
    this.addSql(`create index play_quarter_at on play_quarter (at)`);
    this.addSql(`create table play_day (
      track_id text not null,
      day date not null,
      plays int not null check (plays > 0),
      primary key (track_id, day))`);
    this.addSql(`create index play_day_day on play_day (day)`);
    this.addSql(`create table engagement (
      event_id text primary key,
      artist_id text not null,
      kind text not null check (kind in ('LIKE', 'COMMENT', 'FOLLOW')),
      delta smallint not null check (delta in (-1, 1)),
      at timestamptz not null)`);
    this.addSql(`create index engagement_of_artist on engagement (artist_id, at)`);
    this.addSql(`create table sale (
      order_id text not null,
      line int not null,
      product_id text not null,
      seller_id text not null,
      quantity int not null check (quantity > 0),
      amount numeric not null,
      currency text not null,
      paid_at timestamptz not null,
      refunded boolean not null default false,
      primary key (order_id, line))`);
    this.addSql(`create index sale_of_seller on sale (seller_id, paid_at) where not refunded`);
    this.addSql(`create table message_bucket (
      room_id text not null,
      at timestamptz not null,
      messages int not null check (messages > 0),
      primary key (room_id, at))`);
    this.addSql(`create table live_participant (
      live_room_id text not null,
      participant_id text not null,
      listening boolean not null,
      seq bigint not null,
      primary key (live_room_id, participant_id))`);
    this.addSql(`create index live_participant_listening on live_participant (live_room_id) where listening`);
  }
}

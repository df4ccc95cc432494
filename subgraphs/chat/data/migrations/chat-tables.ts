import { Migration } from '@mikro-orm/migrations';

export class ChatTables extends Migration {
  override up(): void {
    this.addSql('create extension if not exists pg_trgm');
    this.addSql(ROOM);
    this.addSql('create unique index room_of_pair on room (direct_low_id, direct_high_id)');
    this.addSql(`create index room_listed on room (id desc) where visibility = 'PUBLIC'`);
    this.addSql(`create index room_search on room using gin (search_text gin_trgm_ops)
      where visibility = 'PUBLIC'`);
    this.addSql(MEMBER);
    this.addSql('create index room_member_of_room on room_member (room_id, joined_at, user_id)');
    this.addSql('create index room_member_of_user on room_member (user_id, joined_at desc, room_id desc)');
    this.addSql(BAN);
    this.addSql('create index room_ban_of_room on room_ban (room_id, created_at desc, user_id desc)');
    this.addSql(MESSAGE);
    this.addSql('create unique index message_in_order on message (room_id, seq)');
    this.addSql('create unique index message_nonce on message (room_id, author_id, client_nonce)');
    this.addSql(`create table reaction (
      message_id text not null references message (id) on delete cascade,
      emoji text not null,
      user_id text not null,
      created_at timestamptz not null,
      primary key (message_id, emoji, user_id))`);
    this.addSql(`create table block (
      blocker_id text not null,
      blocked_id text not null,
      primary key (blocker_id, blocked_id))`);
    this.addSql('create index block_of_blocked on block (blocked_id, blocker_id)');
    this.addSql(`create table presence (
      user_id text primary key,
      status text not null check (status in ('ONLINE', 'IDLE', 'DND', 'OFFLINE')),
      activity text,
      last_active_at timestamptz not null,
      expires_at timestamptz not null)`);
  }
}

// The pair of a direct room is kept in one order, so that the unique index knows it whoever opened the room.
const ROOM = `create table room (
  id text primary key,
  kind text not null check (kind in ('CHANNEL', 'DIRECT', 'GROUP')),
  name text,
  topic text,
  visibility text not null check (visibility in ('PUBLIC', 'UNLISTED', 'PRIVATE')),
  creator_id text not null,
  direct_low_id text,
  direct_high_id text,
  member_count int not null default 0 check (member_count >= 0),
  last_seq int not null default 0 check (last_seq >= 0),
  slow_mode_seconds int not null default 0 check (slow_mode_seconds >= 0),
  created_at timestamptz not null,
  search_text text not null generated always as (lower(coalesce(name, '') || ' ' || coalesce(topic, ''))) stored,
  check (kind = 'CHANNEL' or visibility = 'PRIVATE'),
  check (kind <> 'CHANNEL' or name is not null),
  check ((kind = 'DIRECT') = (direct_low_id is not null and direct_high_id is not null)),
  check (direct_low_id < direct_high_id))`;

const MEMBER = `create table room_member (
  room_id text not null references room (id) on delete cascade,
  user_id text not null,
  role text not null check (role in ('OWNER', 'ADMIN', 'MODERATOR', 'MEMBER')),
  joined_at timestamptz not null,
  last_read_seq int not null default 0,
  last_sent_at timestamptz,
  primary key (room_id, user_id))`;

const BAN = `create table room_ban (
  room_id text not null references room (id) on delete cascade,
  user_id text not null,
  banned_by_id text not null,
  created_at timestamptz not null,
  primary key (room_id, user_id))`;

const MESSAGE = `create table message (
  id text primary key,
  room_id text not null references room (id) on delete cascade,
  author_id text not null,
  content text,
  seq int not null check (seq > 0),
  client_nonce text not null,
  revision int not null default 1,
  reply_to_id text references message (id),
  track_id text,
  created_at timestamptz not null,
  edited_at timestamptz,
  deleted_at timestamptz,
  check ((content is null) = (deleted_at is not null)))`;

import { Migration } from '@mikro-orm/migrations';

export class UserTables extends Migration {
  override up(): void {
    this.addSql(`create table account (
      id text primary key,
      handle text not null unique,
      email text not null unique,
      password_hash text not null,
      display_name text not null,
      bio text,
      links text[] not null default '{}',
      avatar_key text,
      roles text[] not null default '{USER}',
      follower_count int not null default 0 check (follower_count >= 0),
      following_count int not null default 0 check (following_count >= 0),
      failure_count int not null default 0 check (failure_count >= 0),
      failures_since timestamptz,
      created_at timestamptz not null)`);
    this.addSql(`create table session (
      id text primary key,
      user_id text not null references account (id) on delete cascade,
      user_agent text,
      ip_address text,
      created_at timestamptz not null,
      last_seen_at timestamptz not null,
      expires_at timestamptz not null,
      revoked_at timestamptz)`);
    this.addSql(
      `create index session_of_user on session (user_id, last_seen_at desc, id desc) where revoked_at is null`,
    );
    this.addSql(`create index session_revoked on session (revoked_at) where revoked_at is not null`);
    this.addSql(`create table refresh_token (
      hash text primary key,
      session_id text not null references session (id) on delete cascade,
      created_at timestamptz not null,
      used_at timestamptz)`);
    this.addSql(`create index refresh_token_of_session on refresh_token (session_id)`);
    this.addSql(`create table follow (
      follower_id text not null references account (id) on delete cascade,
      followed_id text not null references account (id) on delete cascade,
      created_at timestamptz not null,
      primary key (follower_id, followed_id),
      check (follower_id <> followed_id))`);
    this.addSql(`create index follow_followers on follow (followed_id, created_at desc, follower_id desc)`);
    this.addSql(`create index follow_following on follow (follower_id, created_at desc, followed_id desc)`);
    this.addSql(`create table block (
      blocker_id text not null references account (id) on delete cascade,
      blocked_id text not null references account (id) on delete cascade,
      created_at timestamptz not null,
      primary key (blocker_id, blocked_id),
      check (blocker_id <> blocked_id))`);
    this.addSql(`create index block_of_user on block (blocker_id, created_at desc, blocked_id desc)`);
    this.addSql(`create table signing_key (
      kid text primary key,
      public_jwk jsonb not null,
      sealed_private_jwk text not null,
      created_at timestamptz not null)`);
  }
}

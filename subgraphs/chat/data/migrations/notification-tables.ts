import { Migration } from '@mikro-orm/migrations';

export class NotificationTables extends Migration {
  override up(): void {
    this.addSql(NOTIFICATION);
    this.addSql('create unique index notification_in_order on notification (user_id, seq)');
    this.addSql('create index notification_unread on notification (user_id, seq) where read_at is null');
    this.addSql(`create index notification_of_follower on notification (user_id, actor_id)
      where kind = 'FOLLOW' and read_at is null`);
    this.addSql(`create table follow (
      follower_id text not null,
      followed_id text not null,
      primary key (followed_id, follower_id))`);
  }
}

// `subject` holds the ids of what it is about, as its kind has them.
const NOTIFICATION = `create table notification (
  id text primary key,
  user_id text not null,
  seq int not null check (seq > 0),
  kind text not null check (kind in ('FOLLOW', 'TRACK_COMMENT', 'SALE', 'LIVE_STARTED', 'DIRECT_MESSAGE')),
  actor_id text not null,
  subject jsonb not null,
  at timestamptz not null,
  read_at timestamptz,
  check (user_id <> actor_id))`;

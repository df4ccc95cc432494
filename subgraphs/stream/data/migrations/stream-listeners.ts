import { Migration } from '@mikro-orm/migrations';

export class StreamListeners extends Migration {
  override up(): void {
    this.addSql(`alter table live_participant add column listed boolean not null default true`);
    this.addSql(`alter table live_room add column listeners_due_at timestamptz`);
    this.addSql(
      `create index live_room_listeners_due on live_room (listeners_due_at) where listeners_due_at is not null`,
    );
  }
}

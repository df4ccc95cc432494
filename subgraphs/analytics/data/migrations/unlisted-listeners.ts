import { Migration } from '@mikro-orm/migrations';

export class UnlistedListeners extends Migration {
  override up(): void {
    this.addSql(`alter table live_room
      add column unlisted_listeners int not null default 0,
      add column unlisted_seq bigint not null default 0`);
  }
}

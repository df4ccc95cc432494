import { Migration } from '@mikro-orm/migrations';

export class StreamHands extends Migration {
  override up(): void {
    this.addSql(`alter table live_participant add column hand_busy_until timestamptz`);
  }
}

import { Migration } from '@mikro-orm/migrations';

export class StreamBroadcastAudience extends Migration {
  override up(): void {
    this.addSql(`alter table live_room add column broadcast_audience text not null default 'ANYONE'
      check (broadcast_audience in ('ANYONE', 'SIGNED_IN'))`);
  }
}

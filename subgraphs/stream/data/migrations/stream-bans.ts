import { Migration } from '@mikro-orm/migrations';

export class StreamBans extends Migration {
  override up(): void {
    // Few are banned of the many who have left: whoever moderates pages through those alone.
    this.addSql(
      `create index live_participant_banned on live_participant (live_room_id, left_at desc, id desc) where banned`,
    );
  }
}

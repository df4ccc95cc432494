import { Migration } from '@mikro-orm/migrations';

export class StreamResumption extends Migration {
  override up(): void {
    this.addSql(`alter table live_participant
      add column lost_at timestamptz check (lost_at is null or status = 'CONNECTED'),
      add column lost_reason text check ((lost_reason is null) = (lost_at is null))`);
    this.addSql(`create index live_participant_lost on live_participant (lost_at) where lost_at is not null`);
  }
}

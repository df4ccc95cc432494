import { Migration } from '@mikro-orm/migrations';

export class StreamFloor extends Migration {
  override up(): void {
    this.addSql(
      `alter table live_room add column max_speakers int not null default 20 check (max_speakers > 0)`,
    );
    this.addSql(
      `alter table live_participant add column invited_at timestamptz check (invited_at is null or status <> 'LEFT')`,
    );
  }
}

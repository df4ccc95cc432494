import { Migration } from '@mikro-orm/migrations';

/** What the purge looks for. */
export class SessionPurgeIndexes extends Migration {
  override up(): void {
    this.addSql('create index session_ended on session (least(revoked_at, expires_at))');
    this.addSql('create index refresh_token_used on refresh_token (used_at) where used_at is not null');
  }
}

import { Migration } from '@mikro-orm/migrations';

/** What the purge looks for. */
export class MessageBucketIndex extends Migration {
  override up(): void {
    this.addSql('create index message_bucket_at on message_bucket (at)');
  }
}

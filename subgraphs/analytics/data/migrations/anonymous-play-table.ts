import { Migration } from '@mikro-orm/migrations';

export class AnonymousPlayTable extends Migration {
  override up(): void {
    this.addSql(`create table anonymous_play (
      source text not null,
      track_id text not null,
      counted_at timestamptz not null,
      primary key (source, track_id))`);
    this.addSql('create index anonymous_play_counted on anonymous_play (counted_at)');
  }
}

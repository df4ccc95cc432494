import { Migration } from '@mikro-orm/migrations';

export class StreamPeople extends Migration {
  override up(): void {
    // What the user subgraph's events have told: people are found in a room by what they are called.
    this.addSql(`create table person (
      user_id text primary key,
      handle text not null,
      display_name text not null,
      seq bigint not null)`);
  }
}

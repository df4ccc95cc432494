import { Migration } from '@mikro-orm/migrations';

// The texts are normalised before they get here, so that the configuration 'simple' is enough and no dictionary has to be installed.
const DOCUMENT = `setweight(to_tsvector('simple', names), 'A') ||
  setweight(to_tsvector('simple', words), 'B') ||
  setweight(to_tsvector('simple', content), 'C')`;

export class SearchTables extends Migration {
  override up(): void {
    this.addSql(`do $$ begin
      create extension if not exists pg_trgm;
    exception when others then
      raise exception 'Search needs the PostgreSQL extension pg_trgm in this database, which cannot be created: %.', sqlerrm
        using hint = 'Install postgresql-contrib on the server, then run "create extension pg_trgm" in this database as its superuser.';
    end $$`);
    this.addSql(`create table search_document (
      kind text not null check (kind in ('USER', 'TRACK', 'ROOM', 'LIVE_ROOM', 'PRODUCT')),
      id text primary key,
      title text not null,
      body text,
      owner_id text,
      names text not null,
      words text not null,
      content text not null,
      listed boolean not null,
      seq bigint not null,
      document tsvector not null generated always as (${DOCUMENT}) stored)`);
    this.addSql(`create index search_document_words on search_document using gin (document) where listed`);
    this.addSql(
      `create index search_document_names on search_document using gin (names gin_trgm_ops) where listed`,
    );
  }
}

import { Migration } from '@mikro-orm/migrations';

export class StreamTables extends Migration {
  override up(): void {
    this.addTracks();
    this.addLiveRooms();
    this.addOthers();
  }

  private addTracks(): void {
    this.addSql(`create table track (
      id text primary key,
      artist_id text not null,
      title text not null,
      description text,
      genre text,
      tags text[] not null default '{}',
      bpm double precision,
      musical_key text,
      license text not null,
      visibility text not null check (visibility in ('PUBLIC', 'UNLISTED', 'PRIVATE')),
      duration_ms int check (duration_ms > 0),
      audio_key text not null,
      audio_format text not null,
      size_bytes int not null check (size_bytes >= 0),
      sha256 text not null,
      client_mutation_key text not null,
      like_count int not null default 0 check (like_count >= 0),
      comment_count int not null default 0 check (comment_count >= 0),
      version int not null default 1,
      published_at timestamptz not null,
      updated_at timestamptz not null,
      unique (artist_id, client_mutation_key))`);
    this.addSql(`create index track_of_artist on track (artist_id, id desc)`);
    this.addSql(`create table track_like (
      track_id text not null references track (id) on delete cascade,
      user_id text not null,
      liked_at timestamptz not null,
      primary key (track_id, user_id))`);
    this.addSql(`create index track_like_of_user on track_like (user_id, liked_at desc, track_id desc)`);
    this.addSql(`create table track_comment (
      id text primary key,
      track_id text not null references track (id) on delete cascade,
      author_id text not null,
      body text not null,
      at_ms int check (at_ms >= 0),
      created_at timestamptz not null)`);
    this.addSql(`create index track_comment_newest on track_comment (track_id, id desc)`);
    this.addSql(
      `create index track_comment_by_moment on track_comment (track_id, coalesce(at_ms, 2147483647), id)`,
    );
  }

  private addLiveRooms(): void {
    this.addSql(`create table live_room (
      id text primary key,
      host_id text not null,
      title text not null,
      topic text,
      chat_room_id text,
      state text not null check (state in ('SCHEDULED', 'LIVE', 'ENDED')),
      scheduled_for timestamptz,
      started_at timestamptz check (started_at is not null or state <> 'LIVE'),
      ended_at timestamptz check ((ended_at is not null) = (state = 'ENDED')),
      capacity int not null,
      music_mode boolean not null,
      created_at timestamptz not null)`);
    this.addSql(`create unique index live_room_of_host on live_room (host_id) where state = 'LIVE'`);
    this.addSql(`create unique index live_room_of_chat on live_room (chat_room_id) where state = 'LIVE'`);
    this.addSql(`create index live_room_by_state on live_room (state, id desc)`);
    this.addSql(`create table live_participant (
      id text primary key,
      live_room_id text not null references live_room (id) on delete cascade,
      user_id text not null,
      role text not null check (role in ('HOST', 'MODERATOR', 'SPEAKER', 'LISTENER')),
      status text not null check (status in ('JOINING', 'CONNECTED', 'LEFT')),
      joined_at timestamptz not null,
      granted_at timestamptz not null,
      connected_at timestamptz,
      server_id text check (server_id is not null or status <> 'CONNECTED'),
      left_at timestamptz,
      leave_reason text check ((leave_reason is not null) = (status = 'LEFT')),
      muted boolean not null default false,
      hand_raised_at timestamptz check (hand_raised_at is null or status <> 'LEFT'),
      banned boolean not null default false,
      unique (live_room_id, user_id))`);
    this.addSql(
      `create unique index live_participant_host on live_participant (live_room_id) where role = 'HOST'`,
    );
    this.addSql(
      `create index live_participant_here on live_participant (live_room_id, id) where status <> 'LEFT'`,
    );
    this.addSql(
      `create index live_participant_server on live_participant (server_id) where status = 'CONNECTED'`,
    );
    this.addSql(
      `create index live_participant_hands on live_participant (live_room_id, hand_raised_at, id) where hand_raised_at is not null`,
    );
  }

  private addOthers(): void {
    // What other subgraphs' events said and this one has to know.
    this.addSql(`create table user_block (
      blocker_id text not null, blocked_id text not null, primary key (blocker_id, blocked_id))`);
    this.addSql(`create table chat_room (id text primary key, visibility text not null)`);
    this.addSql(`create table chat_member (
      room_id text not null, user_id text not null, primary key (room_id, user_id))`);
  }
}

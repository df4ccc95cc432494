import { Migration } from '@mikro-orm/migrations';

export class StreamRecordings extends Migration {
  override up(): void {
    this.addSql(`create table recording (
      id text primary key,
      live_room_id text not null references live_room (id) on delete cascade,
      mode text not null check (mode in ('MIX', 'PER_SPEAKER', 'BOTH')),
      state text not null check (state in ('STARTING', 'RECORDING', 'STOPPING', 'READY', 'FAILED')),
      requested_at timestamptz not null,
      started_at timestamptz check (started_at is not null or state <> 'RECORDING'),
      ended_at timestamptz check ((ended_at is null) = (state in ('STARTING', 'RECORDING'))),
      duration_ms int check (duration_ms >= 0),
      problem text)`);
    this.addSql(
      `create unique index recording_active on recording (live_room_id) where state in ('STARTING', 'RECORDING')`,
    );
    this.addSql(`create index recording_of_room on recording (live_room_id, id desc)`);
    this.addSql(`create index recording_stopping on recording (ended_at) where state = 'STOPPING'`);
    this.addSql(`create table recording_take (
      id text primary key,
      recording_id text not null references recording (id) on delete cascade,
      server_id text not null,
      started_at timestamptz not null,
      duration_ms int check (duration_ms >= 0))`);
    this.addSql(`create index recording_take_of on recording_take (recording_id)`);
    this.addSql(`create table recording_file (
      id text primary key,
      recording_id text not null references recording (id) on delete cascade,
      take_id text not null references recording_take (id) on delete cascade,
      participant_id text,
      key text not null unique,
      offset_ms int not null check (offset_ms >= 0),
      duration_ms int not null check (duration_ms >= 0),
      size_bytes bigint not null check (size_bytes >= 0))`);
    this.addSql(`create index recording_file_of on recording_file (recording_id)`);
  }
}

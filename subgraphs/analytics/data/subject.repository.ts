import type { Em } from '#platform/database.ts';
import type { Visibility } from './subject.entity.ts';

// A dead letter may be replayed long after later events of its stream: what is older than the row changes nothing.

export interface KnownTrack {
  readonly id: string;
  readonly artistId: string;
  readonly genre: string | null;
  readonly visibility: Visibility;
  readonly seq: number;
}

export async function saveTrack(em: Em, track: KnownTrack): Promise<void> {
  const { id, artistId, genre, visibility, seq } = track;
  await em.execute(
    `insert into track (id, artist_id, genre, visibility, seq) values (?, ?, ?, ?, ?)
     on conflict (id) do update set artist_id = excluded.artist_id, genre = excluded.genre, visibility = excluded.visibility, seq = excluded.seq
     where track.seq < excluded.seq`,
    [id, artistId, genre, visibility, seq],
    'run',
  );
}

/** Keeps the row: the plays the track had stay its artist's. */
export async function deleteTrack(em: Em, id: string, artistId: string, seq: number): Promise<void> {
  await em.execute(
    `insert into track (id, artist_id, visibility, deleted, seq) values (?, ?, 'PRIVATE', true, ?)
     on conflict (id) do update set deleted = true, seq = excluded.seq where track.seq < excluded.seq`,
    [id, artistId, seq],
    'run',
  );
}

export async function saveRoom(em: Em, id: string, visibility: Visibility, seq: number): Promise<void> {
  await em.execute(
    `insert into room (id, visibility, seq) values (?, ?, ?)
     on conflict (id) do update set visibility = excluded.visibility, seq = excluded.seq where room.seq < excluded.seq`,
    [id, visibility, seq],
    'run',
  );
}

export async function saveLiveRoom(em: Em, id: string, ended: boolean, seq: number): Promise<void> {
  await em.execute(
    `insert into live_room (id, ended, seq) values (?, ?, ?)
     on conflict (id) do update set ended = excluded.ended, seq = excluded.seq where live_room.seq < excluded.seq`,
    [id, ended, seq],
    'run',
  );
  if (ended) await em.execute('delete from live_participant where live_room_id = ?', [id], 'run');
}

/** Listeners who are not told of one by one. */
export async function saveUnlisted(em: Em, liveRoomId: string, count: number, seq: number): Promise<void> {
  await em.execute(
    `update live_room set unlisted_listeners = ?, unlisted_seq = ? where id = ? and unlisted_seq < ?`,
    [count, seq, liveRoomId, seq],
    'run',
  );
}

export async function saveParticipant(
  em: Em,
  liveRoomId: string,
  participantId: string,
  listening: boolean,
  seq: number,
): Promise<void> {
  await em.execute(
    `insert into live_participant as p (live_room_id, participant_id, listening, seq) values (?, ?, ?, ?)
     on conflict (live_room_id, participant_id) do update set listening = excluded.listening, seq = excluded.seq where p.seq < excluded.seq`,
    [liveRoomId, participantId, listening, seq],
    'run',
  );
}

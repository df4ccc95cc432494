import { Readable } from 'node:stream';
import {
  DEMO_LIVE_ROOM_ID,
  DEMO_ROOM_ID,
  DEMO_SCHEDULED_ROOM_ID,
  DEMO_TRACKS,
  DEMO_USERS,
} from '#platform/demo.ts';
import type { Database } from '#platform/database.ts';
import type { Services } from './context.ts';
import { findTracksById } from './data/track.repository.ts';
import { findVisibleRooms } from './data/live-room.repository.ts';
import { saveChatMember, saveChatRoom } from './data/neighbour.repository.ts';
import { toneWav } from './demo-tones.ts';

const [MIRA, TEO, JUNO] = DEMO_USERS;

/** What makes each demo track itself, in the order of DEMO_TRACKS. */
const DETAILS = [
  {
    description: 'Recorded while the water came to the boil.',
    genre: 'ambient',
    tags: ['kitchen', 'tape'],
    bpm: 72,
    musicalKey: 'Am',
    license: 'CC_BY',
    notesHz: [220, 261.63, 329.63],
    lengthMs: 6_000,
  },
  {
    description: 'Wind through a covered passage, and what a synthesiser answered.',
    genre: 'field-recording',
    tags: ['lyon', 'wind'],
    bpm: null,
    musicalKey: 'Dm',
    license: 'CC_BY_NC',
    notesHz: [146.83, 174.61, 220, 293.66],
    lengthMs: 8_000,
  },
  {
    description: 'The lift in our house has a swing of its own.',
    genre: 'drum-and-bass',
    tags: ['broken-beat', 'lift'],
    bpm: 168,
    musicalKey: 'F#m',
    license: 'ALL_RIGHTS_RESERVED',
    notesHz: [185, 277.18, 185, 220],
    lengthMs: 4_000,
  },
  {
    description: 'Half an hour of tape hiss, shortened for the impatient.',
    genre: 'dub',
    tags: ['tape', 'slow'],
    bpm: 64,
    musicalKey: 'C',
    license: 'ALL_RIGHTS_RESERVED',
    notesHz: [130.81, 196, 261.63],
    lengthMs: 7_000,
  },
  {
    description: null,
    genre: 'downtempo',
    tags: ['harbour', 'morning'],
    bpm: 90,
    musicalKey: 'Eb',
    license: 'CC_BY_SA',
    notesHz: [155.56, 233.08, 311.13],
    lengthMs: 5_000,
  },
] as const;

const COMMENTS = [
  {
    trackId: DEMO_TRACKS[0].id,
    authorId: TEO.id,
    atMs: 1_200,
    body: 'That lid. Leave it exactly like that.',
  },
  {
    trackId: DEMO_TRACKS[0].id,
    authorId: JUNO.id,
    atMs: 4_100,
    body: 'Is this the big pot or the small one?',
  },
  { trackId: DEMO_TRACKS[0].id, authorId: JUNO.id, atMs: null, body: 'On repeat since this morning.' },
  {
    trackId: DEMO_TRACKS[3].id,
    authorId: MIRA.id,
    atMs: 2_500,
    body: 'The dropout here is my favourite part.',
  },
] as const;

/** The demo's tracks with likes and comments, a live room that is on and one that is announced. What a killed start left out is filled in. */
export async function seed(services: Services, database: Database): Promise<void> {
  await seedTracks(services, database);
  await seedLiveRooms(services, database);
}

async function seedTracks({ tracks, comments }: Services, database: Database): Promise<void> {
  const ids = DEMO_TRACKS.map(({ id }) => id);
  const present = new Map((await findTracksById(database.fork(), ids)).map((track) => [track.id, track]));
  for (const [index, { id, artistId, title }] of DEMO_TRACKS.entries()) {
    if (present.has(id)) continue;
    const { notesHz, lengthMs, ...details } = DETAILS[index]!;
    const file = Promise.resolve({ createReadStream: () => Readable.from([toneWav(notesHz, lengthMs)]) });
    const input = { ...details, file, title, clientMutationKey: `demo-${id}` };
    await tracks.upload(viewerOf(artistId), input, id);
    for (const listener of DEMO_USERS) {
      if (listener.id !== artistId) await tracks.like(viewerOf(listener.id), id);
    }
  }
  for (const { trackId, authorId, atMs, body } of COMMENTS) {
    if ((present.get(trackId)?.commentCount ?? 0) === 0)
      await comments.write(viewerOf(authorId), trackId, body, atMs);
  }
}

async function seedLiveRooms({ liveRooms }: Services, database: Database): Promise<void> {
  const ids = [DEMO_LIVE_ROOM_ID, DEMO_SCHEDULED_ROOM_ID];
  const rooms = await findVisibleRooms(database.fork(), null, ids);
  const stateOf = (id: string) => rooms.find((room) => room.id === id)?.state ?? null;
  if (stateOf(DEMO_LIVE_ROOM_ID) === null) {
    // What the chat subgraph's events will say, too, once they are delivered.
    await saveChatRoom(database.fork(), DEMO_ROOM_ID, 'PUBLIC');
    await saveChatMember(database.fork(), DEMO_ROOM_ID, MIRA.id);
    const about = { title: 'Open Studio', topic: 'Bring what you are working on.' };
    const input = { ...about, chatRoomId: DEMO_ROOM_ID };
    await liveRooms.create(viewerOf(MIRA.id), input, DEMO_LIVE_ROOM_ID);
  }
  if (stateOf(DEMO_LIVE_ROOM_ID) !== 'LIVE' && stateOf(DEMO_LIVE_ROOM_ID) !== 'ENDED')
    await liveRooms.start(viewerOf(MIRA.id), DEMO_LIVE_ROOM_ID);
  if (stateOf(DEMO_SCHEDULED_ROOM_ID) === null) {
    const scheduledFor = new Date(Date.now() + 2 * 24 * 3_600_000);
    const input = { title: 'Tape Hour', topic: 'Slow mixes, answered questions.', scheduledFor };
    await liveRooms.create(viewerOf(TEO.id), { ...input, musicMode: true }, DEMO_SCHEDULED_ROOM_ID);
  }
}

const viewerOf = (userId: string) => ({ userId, sessionId: 'seed', roles: [] });

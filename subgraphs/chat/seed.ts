import { DEMO_GEAR_ROOM_ID, DEMO_ROOM_ID, DEMO_TRACKS, DEMO_USERS } from '#platform/demo.ts';
import type { Database } from '#platform/database.ts';
import type { Viewer } from '#platform/viewer.ts';
import type { Services } from './context.ts';
import { findMessagesByNonce } from './data/message.repository.ts';
import { findDirectRoomId, findRooms } from './data/room.repository.ts';

const [MIRA, TEO, JUNO] = DEMO_USERS.map(({ id }): Viewer => ({
  userId: id,
  sessionId: 'seed',
  roles: [],
})) as [Viewer, Viewer, Viewer];

interface Line {
  readonly by: Viewer;
  readonly content: string;
  readonly trackId?: string;
}

const FEEDBACK: readonly Line[] = [
  { by: MIRA, content: 'New one: the kettle is the kick drum. Be honest.', trackId: DEMO_TRACKS[0].id },
  { by: TEO, content: 'The kick is great. The room behind it rings around 220 Hz, try a narrow cut there.' },
  { by: JUNO, content: 'I could hear the window being opened at the end. Please keep that.' },
  { by: MIRA, content: 'The window stays. Cutting 220 now, new version tonight.' },
];

const GEAR: readonly Line[] = [
  { by: TEO, content: 'Has anyone repaired the play head of a Tascam 424? Mine eats the left channel.' },
  {
    by: JUNO,
    content: 'Clean it with isopropyl first, then check the azimuth screw. It was the screw for me.',
  },
];

const PRIVATE_WORDS: readonly Line[] = [
  { by: MIRA, content: 'Could you mix Passage du Vent? No hurry at all.', trackId: DEMO_TRACKS[1].id },
  { by: TEO, content: 'With pleasure. Send me the stems without the reverb, please.' },
];

/** The rooms of the demo. What was cut short is completed by the next run: creating, joining and sending can all be repeated. */
export async function seed(services: Services, database: Database): Promise<void> {
  if (await isDone(database)) return;
  await openChannel(services, database, DEMO_ROOM_ID, 'work-in-progress', 'Unfinished music, honest ears.');
  await openChannel(services, database, DEMO_GEAR_ROOM_ID, 'gear', 'Tape, screws, microphones, regrets.');
  const [opening] = await say(services, DEMO_ROOM_ID, FEEDBACK);
  if (opening !== undefined) await services.messageReactions.add(JUNO, opening, '🔥');
  await say(services, DEMO_GEAR_ROOM_ID, GEAR);
  const direct = await services.rooms.create(MIRA, { kind: 'DIRECT', memberIds: [TEO.userId] });
  await say(services, direct, PRIVATE_WORDS);
}

/** Whether the last thing that a whole run does is there. */
async function isDone(database: Database): Promise<boolean> {
  const [low = '', high = ''] = [MIRA.userId, TEO.userId].toSorted();
  const direct = await findDirectRoomId(database.fork(), [low, high]);
  if (direct === null) return false;
  const lastNonce = nonceOf(PRIVATE_WORDS.length - 1);
  const nonce = { roomId: direct, authorId: TEO.userId, clientNonce: lastNonce };
  return (await findMessagesByNonce(database.fork(), [nonce])).length > 0;
}

async function openChannel(
  { rooms, members }: Services,
  database: Database,
  id: string,
  name: string,
  topic: string,
): Promise<void> {
  const [present] = await findRooms(database.fork(), null, [id]);
  if (!present) await rooms.create(MIRA, { kind: 'CHANNEL', name, topic, visibility: 'PUBLIC' }, id);
  for (const viewer of [TEO, JUNO]) await members.join(viewer, id);
}

/** Returns the ids of the messages. */
async function say({ messages }: Services, roomId: string, lines: readonly Line[]): Promise<string[]> {
  const ids: string[] = [];
  for (const [index, { by, content, trackId }] of lines.entries()) {
    const { id } = await messages.send(by, { roomId, content, trackId, clientNonce: nonceOf(index) });
    ids.push(id);
  }
  return ids;
}

const nonceOf = (index: number) => `demo-${index}`;

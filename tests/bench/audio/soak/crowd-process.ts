/** Everybody in all rooms of a media server, in a process of its own. Ends with its parent. */
import { messageOf } from '#platform/errors.ts';
import { seededRandom } from '../../../support/random.ts';
import { dropsByPort } from '../load.ts';
import { crowdOrder, type CrowdOrder } from '../orders.ts';
import { createPacketWriter, createSoundWriter, PACKETS_PER_S, readPayload } from '../rtp.ts';
import { createIdentity } from '../webrtc/dtls.ts';
import { LivingRoom, type RoomOptions } from './living-room.ts';
import type { Venue } from './participant.ts';
import { Tally } from './tally.ts';
import { Voices } from './voices.ts';

/** Who has not heard a packet of somebody who has sent as many does not hear them. */
const UNHEARD_PACKETS = 10 * PACKETS_PER_S;
const SHOWN_FAULTS = 5;

const tally = new Tally();
const voices = new Voices();
const leaving = new AbortController();
/** What sockets have dropped so far, by port: it is lost to no one but us. */
const dropped = new Map<number, number>();
let rooms: LivingRoom[] = [];
let lives: Promise<void[]> = Promise.resolve([]);

const fail = (error: unknown) => void tally.faults.push(messageOf(error));

async function open({
  url,
  ordersUrl,
  seed,
  sound,
  ...size
}: CrowdOrder & { kind: 'open' }): Promise<object> {
  const speech = sound ? speechOf(sound) : { createWriter: createPacketWriter, compare: readPayload };
  const venue: Venue = { url, identity: createIdentity(), voices, tally, ...speech };
  const order: RoomOptions['order'] = async (what) => {
    // A connection that is kept would look like one that somebody has left behind.
    const headers = { connection: 'close' };
    const { ok } = await fetch(ordersUrl, { method: 'POST', headers, body: JSON.stringify(what) });
    if (!ok) throw new Error(`the media server did not take the order to ${what.kind}`);
  };
  const { speakers, listeners } = size;
  rooms = Array.from(
    { length: size.rooms },
    (_, at) => new LivingRoom({ venue, order, random: seededRandom(seed + at), speakers, listeners }),
  );
  voices.run().catch(fail);
  for (const room of rooms) await room.open();
  return { liveRoomIds: rooms.map(({ liveRoomId }) => liveRoomId) };
}

function speechOf(sound: readonly string[]): Pick<Venue, 'createWriter' | 'compare'> {
  const payloads = sound.map((payload) => Buffer.from(payload, 'base64'));
  return {
    createWriter: (ssrc) => createSoundWriter(ssrc, payloads),
    compare(payload) {
      if (!sound.includes(payload.toString('base64'))) throw new Error('a payload is not what was said');
    },
  };
}

function live(): object {
  lives = Promise.all(rooms.map((room) => room.live(leaving.signal).catch(fail)));
  return {};
}

function report(): object {
  const people = rooms.flatMap((room) => room.people);
  const ports = new Set(people.flatMap((one) => one.ports));
  for (const [port, drops] of dropsByPort(ports)) dropped.set(port, drops);
  const { joins, iceRestarts, received, opened, faults } = tally;
  return {
    people: people.length,
    speaking: voices.size,
    joins,
    iceRestarts,
    received,
    opened,
    lost: tally.lost + people.reduce((sum, one) => sum + one.lost, 0),
    dropped: [...dropped.values()].reduce((sum, some) => sum + some, 0),
    unheard: people.filter(({ missed }) => missed > UNHEARD_PACKETS).length,
    latestMs: voices.latestMs,
    faults: faults.slice(0, SHOWN_FAULTS),
  };
}

async function empty(): Promise<object> {
  leaving.abort();
  await lives;
  await Promise.all(rooms.map((room) => room.empty()));
  voices.stop();
  return {};
}

async function obey(message: unknown): Promise<object> {
  const order = crowdOrder.parse(message);
  if (order.kind === 'open') return open(order);
  if (order.kind === 'live') return live();
  return order.kind === 'report' ? report() : empty();
}

process.on('message', async (message) => process.send?.(await obey(message)));
process.on('disconnect', () => process.exit(0));

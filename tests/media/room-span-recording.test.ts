import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import type { EventFrame } from '#platform/events/ports.ts';
import { newId } from '#platform/ids.ts';
import { EVENTS } from '#schema/events.ts';
import { MEDIA_HEARTBEAT_TOPIC, mediaHeartbeat } from '#schema/media-bus.ts';
import { consumerMemory } from '../support/durable-consumers.ts';
import { interceptTransports } from './direct-audio.ts';
import { produce, skipWithoutWorker } from './media-kit.ts';
import { roomOn, startMesh, type MeshKit, type MeshServer } from './mesh-kit.ts';
import { Observed } from './observed.ts';

const audio = interceptTransports();
const HEADER_BYTES = 200;

describe('The recording of a room that spans media servers', { skip: skipWithoutWorker }, () => {
  let kit: MeshKit;
  let recordingsFolder: string;
  const events = new Observed<EventFrame>();
  const durableBus = memoryDurableBus();

  before(async () => {
    recordingsFolder = await mkdtemp(join(tmpdir(), 'veza-mesh-takes-'));
    kit = await startMesh(2, { recordingsFolder, durableBus, limits: { occupancyMs: 50 } });
    await consumerMemory().consume(durableBus, 'test', ['media.recordingFinished'], (event) =>
      events.add(event),
    );
  });
  after(async () => {
    await kit.close();
    await rm(recordingsFolder, { recursive: true });
  });

  /** How many speakers' files hold more than their beginning. */
  const recordedSpeakers = async (): Promise<number> => {
    const names = await readdir(recordingsFolder, { recursive: true });
    const sizes = await Promise.all(
      names.filter((name) => name.endsWith('.ogg')).map((name) => stat(join(recordingsFolder, name))),
    );
    return sizes.filter(({ size }) => size > HEADER_BYTES).length;
  };

  test('is made once, on the server that has all voices, with the speakers of both, and its broadcast is had there', async () => {
    const [one, two] = kit.servers;
    assert.ok(one && two);
    const anna = await kit.enter(one);
    const ben = await kit.enter(two);
    await anna.client.notified('peerJoined', ({ participantId }) => participantId === ben.participantId);
    const voices = [await produce(anna.client, 31), await produce(ben.client, 32)];
    const recordingId = newId('Recording');
    const { liveRoomId } = kit;
    await kit.order({ kind: 'startRecording', liveRoomId, recordingId, mode: 'PER_SPEAKER' });
    while ((await recordedSpeakers()) < 2) {
      for (const voice of voices) audio.send(voice, '\xf8some sound');
      await delay(5);
    }
    const recordings = (server: MeshServer) => roomOn(server, liveRoomId)?.recordingIds;
    assert.deepEqual([recordings(one), recordings(two)], [[recordingId], []]);
    assert.deepEqual(await watchers(2), [one.media.status().serverId]);
    await kit.order({ kind: 'stopRecording', liveRoomId, recordingId });
    const { payload } = await events.find(() => true);
    const { files } = EVENTS['media.recordingFinished'].payload.parse(payload);
    const speakers = [anna, ben].map(({ participantId }) => participantId);
    assert.deepEqual(files.map(({ participantId }) => participantId).sort(), speakers.sort());
    for (const { durationMs } of files) assert.ok(durationMs > 0);
  });

  /** Which of that many servers say that they have all voices of the room. */
  const watchers = async (count: number): Promise<string[]> => {
    const watching = new Map<string, boolean>();
    const heartbeats = await kit.liveBus.subscribe(MEDIA_HEARTBEAT_TOPIC);
    while (watching.size < count) {
      const { serverId, rooms } = mediaHeartbeat.parse((await heartbeats.next()).value);
      for (const room of rooms) watching.set(serverId, room.watching);
    }
    await heartbeats.return();
    return [...watching].filter(([, isWatching]) => isWatching).map(([serverId]) => serverId);
  };
});

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  enter,
  logOf,
  must,
  mutate,
  newUser,
  openLiveRoom,
  participantOf,
  startStream,
  tell,
  type Stream,
} from './stream-kit.ts';
import { until } from './result-streams.ts';

describe('a lost connection to a live room', () => {
  let stream: Stream;
  let offsetMs = 0;
  const options = { now: () => new Date(Date.now() + offsetMs), sweepMs: 20 };
  before(async () => void (stream = await startStream(options)));
  after(() => stream.close());

  let servers = 0;
  /** A speaker with a key, muted, whose connection stands. */
  const setTheScene = async () => {
    const [host, guest, serverId] = [newUser(), newUser(), `media-r${++servers}`];
    const id = await openLiveRoom(stream, host);
    await enter(stream, host, id, 'media-of-the-host');
    const participantId = await enter(stream, guest, id, serverId);
    await must(stream, host, 'muteParticipant', { liveRoomId: id, participantId });
    await must(stream, guest, 'raiseHand', { liveRoomId: id });
    const { resumeKey } = await come(guest, id);
    return { id, host, guest, serverId, participantId, resumeKey };
  };
  const come = (user: string, id: string, resumeKey?: string) =>
    mutate(stream, user, 'joinLiveRoom', { id, resumeKey });
  const isLost = async (participantId: string) => (await participantOf(stream, participantId))?.lost ?? false;
  type Scene = Awaited<ReturnType<typeof setTheScene>>;
  const lose = async ({ id, serverId, participantId }: Scene, reason = 'CONNECTION_LOST') => {
    const payload = { liveRoomId: id, participantId, serverId, reason };
    await tell(stream, `media:${serverId}`, 'media.participantDisconnected', payload);
    await until(() => isLost(participantId));
  };
  const comings = async (id: string) =>
    (await logOf(stream, `live-room:${id}`)).filter((name) => /Joined|Left/.test(name)).length;

  for (const reason of ['CONNECTION_LOST', 'SERVER_SHUTDOWN'])
    it(`is resumed with the key after ${reason}: same participant, role, mute and hand, and nobody is told`, async () => {
      const scene = await setTheScene();
      const { id, guest, participantId } = scene;
      await lose(scene, reason);
      const back = await come(guest, id, scene.resumeKey);
      assert.deepEqual([back.resumed, back.participant.id], [true, participantId]);
      const { muted, handPosition, connected } = back.participant;
      assert.deepEqual([muted, handPosition, connected], [true, 1, true]);
      assert.deepEqual(back.liveRoom.raisedHands, [{ id: participantId }]);
      const elsewhere = { liveRoomId: id, participantId, serverId: `media-r${++servers}` };
      await tell(stream, `media:${elsewhere.serverId}`, 'media.participantConnected', elsewhere);
      await until(async () => !(await isLost(participantId)));
      // A late word of the former server about the connection that was lost.
      await tell(stream, `media:${scene.serverId}`, 'media.participantDisconnected', {
        ...{ liveRoomId: id, participantId, serverId: scene.serverId, reason },
      });
      assert.equal((await participantOf(stream, participantId))?.serverId, elsewhere.serverId);
      assert.equal(await comings(id), 2);
    });

  it('is a departure once its time is over, and the key is worth nothing then', async () => {
    const scene = await setTheScene();
    await lose(scene);
    offsetMs += 30_001;
    await until(async () => (await participantOf(stream, scene.participantId))?.status === 'LEFT');
    assert.equal((await participantOf(stream, scene.participantId))?.reason, 'CONNECTION_LOST');
    assert.equal(await comings(scene.id), 3);
    const back = await come(scene.guest, scene.id, scene.resumeKey);
    assert.deepEqual([back.resumed, back.participant.id], [false, scene.participantId]);
    assert.deepEqual([back.participant.handPosition, back.participant.muted], [null, true]);
    offsetMs = 0;
  });

  it('is a departure at once where its owner comes without the key, or with one that is not good', async () => {
    const other = await setTheScene();
    for (const keyOf of [() => undefined, ({ resumeKey }: Scene) => `${resumeKey}x`, () => other.resumeKey]) {
      const scene = await setTheScene();
      await lose(scene);
      const back = await come(scene.guest, scene.id, keyOf(scene));
      assert.deepEqual([back.resumed, back.participant.handPosition], [false, null]);
      assert.equal(await comings(scene.id), 3);
    }
  });

  it('is not resumed with the key of an earlier join: another window counts', async () => {
    const scene = await setTheScene();
    await come(scene.guest, scene.id);
    await lose(scene);
    assert.equal((await come(scene.guest, scene.id, scene.resumeKey)).resumed, false);
  });

  it('is not resumed by whom a moderator has removed, or banned, meanwhile', async () => {
    for (const ban of [false, true]) {
      const scene = await setTheScene();
      await lose(scene);
      const { id: liveRoomId, participantId } = scene;
      await must(stream, scene.host, 'removeParticipant', { liveRoomId, participantId, ban });
      const back = await come(scene.guest, liveRoomId, scene.resumeKey);
      assert.equal(back.__typename, ban ? 'ForbiddenError' : 'LiveJoin');
      assert.equal(back.resumed ?? false, false);
    }
  });
});

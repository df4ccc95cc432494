import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  MEDIA_CONTROL_TOPIC,
  MEDIA_HEARTBEAT_TOPIC,
  mediaControl,
  type RecordingMode,
  type RecordingOrder,
} from '#schema/media-bus.ts';
import { newTake, reporter, SERVER } from './recording-reports.ts';
import { until } from './result-streams.ts';
import {
  enter,
  logOf,
  MEDIA,
  must,
  mutate,
  newUser,
  openLiveRoom,
  refusals,
  startStream,
  type Stream,
} from './stream-kit.ts';

const RECORDINGS = `query ($id: ID!) { liveRoom(id: $id) { recording { id state }
  recordings { id mode state startedAt endedAt durationMs problem
    files { id participant { id } offsetMs durationMs sizeBytes url } } } }`;
const EVENTS = `subscription ($id: ID!, $after: EventCursor) { liveRoomEvents(liveRoomId: $id, after: $after) {
  __typename ... on RecordingChanged { state recording { id } } ... on LiveStateChanged { live: state } } }`;

describe('recordings of live rooms', () => {
  let stream: Stream;
  let report: ReturnType<typeof reporter>;
  let offsetMs = 0;
  const now = () => new Date(Date.now() + offsetMs);
  before(async () => {
    stream = await startStream({ now, sweepMs: 20 });
    report = reporter(stream);
  });
  after(() => stream.close());

  const read = async (viewer: string | null, id: string) =>
    (await stream.data(viewer, RECORDINGS, { id })).liveRoom;
  const open = async (mode: RecordingMode = 'MIX') => {
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    const { recording } = await must(stream, host, 'startRecording', { liveRoomId: id, mode });
    return { host, id, recordingId: String(recording.id) };
  };
  const stateOf = async (id: string) => (await read(null, id)).recordings[0]?.state;
  const becomes = (id: string, state: string) => until(async () => (await stateOf(id)) === state);

  const beat = (rooms: { liveRoomId: string; participantIds: string[]; recordingIds: string[] }[]) =>
    stream.liveBus.publish(MEDIA_HEARTBEAT_TOPIC, { serverId: SERVER, available: true, rooms });

  /** The next order about that room's recordings, of which `act` is the cause. */
  const orderAfter = async (liveRoomId: string, act: () => Promise<unknown>): Promise<RecordingOrder> => {
    const orders = await stream.liveBus.subscribe(MEDIA_CONTROL_TOPIC);
    await act();
    for await (const message of orders) {
      const order = mediaControl.parse(message);
      if (!('recordingId' in order) || order.liveRoomId !== liveRoomId) continue;
      await orders.return();
      return order;
    }
    throw new Error('the bus was closed');
  };

  it('are started by the host and stopped by hosts and moderators, and nobody else', async () => {
    const [host, moderator, guest] = [newUser(), newUser(), newUser()];
    const id = await openLiveRoom(stream, host);
    const seat = await enter(stream, moderator, id);
    await enter(stream, guest, id);
    await enter(stream, host, id);
    await must(stream, host, 'setLiveRole', { liveRoomId: id, participantId: seat, role: 'MODERATOR' });
    const args = { liveRoomId: id };
    for (const user of [moderator, guest, newUser()])
      assert.deepEqual(await refusals(stream, user, 'startRecording', args), ['ForbiddenError liveRoomId']);
    assert.deepEqual(await refusals(stream, host, 'stopRecording', args), ['ConflictError liveRoomId']);
    await must(stream, host, 'startRecording', args);
    assert.deepEqual(await refusals(stream, host, 'startRecording', args), ['ConflictError liveRoomId']);
    assert.deepEqual(await refusals(stream, guest, 'stopRecording', args), ['ForbiddenError liveRoomId']);
    const { recording } = await must(stream, moderator, 'stopRecording', args);
    assert.equal(recording.state, 'STOPPING');
    await must(stream, host, 'startRecording', args);
    await must(stream, host, 'stopRecording', args);
    assert.deepEqual(await refusals(stream, host, 'startRecording', { liveRoomId: 'liv_x' }), [
      'NotFoundError liveRoomId',
    ]);
  });

  it('begin once, also when they are started twice at once, and only in a room that is LIVE', async () => {
    const host = newUser();
    const { liveRoom } = await must(stream, host, 'createLiveRoom', { input: { title: 'Later' } });
    const args = { liveRoomId: liveRoom.id };
    assert.deepEqual(await refusals(stream, host, 'startRecording', args), ['NotLiveError liveRoomId']);
    await must(stream, host, 'startLiveRoom', { id: liveRoom.id });
    const both = await Promise.all([1, 2, 3].map(() => mutate(stream, host, 'startRecording', args)));
    assert.equal(both.filter(({ recording }) => recording !== null).length, 1);
  });

  it('are a hundred at most of a room, all of which are shown', async () => {
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    await stream.open.foundation.database.fork().execute(
      `insert into recording (id, live_room_id, mode, state, requested_at, ended_at)
         select 'rec_many_' || n || ?, ?, 'MIX', 'FAILED', now(), now() from generate_series(1, 99) n`,
      [id, id],
    );
    await must(stream, host, 'startRecording', { liveRoomId: id });
    await must(stream, host, 'stopRecording', { liveRoomId: id });
    assert.deepEqual(await refusals(stream, host, 'startRecording', { liveRoomId: id }), [
      'ConflictError liveRoomId',
    ]);
    assert.equal((await read(host, id)).recordings.length, 100);
  });

  it('that need a mix are refused where nothing can mix, and those of speakers are not', async () => {
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    stream.setMedia({ ...MEDIA, canMix: false });
    try {
      for (const mode of ['MIX', 'BOTH'])
        assert.deepEqual(await refusals(stream, host, 'startRecording', { liveRoomId: id, mode }), [
          'MixingUnavailableError mode',
        ]);
      await must(stream, host, 'startRecording', { liveRoomId: id, mode: 'PER_SPEAKER' });
    } finally {
      stream.setMedia(MEDIA);
    }
  });

  it('are told to everybody in the room, from the order to the files', async () => {
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    const events = await stream.subscribe(newUser(), EVENTS, { id });
    const { recording } = await must(stream, host, 'startRecording', { liveRoomId: id });
    const take = newTake(id, recording.id);
    await report.begin(take);
    await becomes(id, 'RECORDING');
    assert.deepEqual((await read(newUser(), id)).recording, { id: recording.id, state: 'RECORDING' });
    await must(stream, host, 'stopRecording', { liveRoomId: id });
    await report.finish(take);
    await becomes(id, 'READY');
    assert.equal((await read(null, id)).recording, null);
    const seen: unknown[] = [];
    for await (const { data } of events) {
      seen.push(JSON.parse(JSON.stringify(data)).liveRoomEvents);
      if (seen.length === 4) break;
    }
    const change = (state: string) => ({
      __typename: 'RecordingChanged',
      state,
      recording: { id: recording.id },
    });
    assert.deepEqual(seen, ['STARTING', 'RECORDING', 'STOPPING', 'READY'].map(change));
  });

  it('end with their room, whose log ends with the room’s own end', async () => {
    const { host, id, recordingId } = await open();
    const take = newTake(id, recordingId);
    await report.begin(take);
    await becomes(id, 'RECORDING');
    await must(stream, host, 'endLiveRoom', { id });
    await report.finish(take);
    await becomes(id, 'READY');
    assert.deepEqual((await logOf(stream, `live-room:${id}`)).slice(-2), [
      'liveRoom.recordingChanged',
      'liveRoom.ended',
    ]);
    assert.deepEqual(await logOf(stream, `recording:${recordingId}`), ['liveRoom.recordingChanged']);
  });

  it('are ordered from media servers, and ordered again until a heartbeat names them', async () => {
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    const room = { liveRoomId: id, participantIds: [] };
    const start = await orderAfter(id, () =>
      must(stream, host, 'startRecording', { liveRoomId: id, mode: 'BOTH' }),
    );
    const { recordingId } = start;
    assert.deepEqual(start, { kind: 'startRecording', liveRoomId: id, recordingId, mode: 'BOTH' });
    const again = await orderAfter(id, () => beat([{ ...room, recordingIds: [] }]));
    assert.deepEqual(again, start);
    const stop = { kind: 'stopRecording', liveRoomId: id, recordingId };
    // A heartbeat that names it changes nothing, so the next order is the stop.
    const next = await orderAfter(id, async () => {
      await beat([{ ...room, recordingIds: [recordingId] }]);
      await must(stream, host, 'stopRecording', { liveRoomId: id });
    });
    assert.deepEqual(next, stop);
    assert.deepEqual(await orderAfter(id, () => beat([{ ...room, recordingIds: [recordingId] }])), stop);
    const late = newTake(id, recordingId);
    assert.deepEqual(await orderAfter(id, () => report.begin(late)), stop, 'a server that began too late');
  });

  it('are told twice without harm', async () => {
    const { host, id, recordingId } = await open();
    const take = newTake(id, recordingId);
    await report.begin(take);
    await report.begin(take);
    await becomes(id, 'RECORDING');
    await must(stream, host, 'stopRecording', { liveRoomId: id });
    await report.finish(take);
    await becomes(id, 'READY');
    await report.begin(take);
    const log = await logOf(stream, `live-room:${id}`);
    assert.equal(log.filter((name) => name === 'liveRoom.recordingChanged').length, 4);
  });

  it('that break off are FAILED with the reason, and keep what is stored of them', async () => {
    const { host, id, recordingId } = await open();
    const take = newTake(id, recordingId);
    await report.begin(take);
    await report.fail(take, 'STORAGE_FULL');
    await becomes(id, 'FAILED');
    await report.finish(take, { problem: 'STORAGE_FULL', durationMs: 5_000 });
    await until(async () => (await read(host, id)).recordings[0].files.length === 1);
    const [recording] = (await read(host, id)).recordings;
    assert.deepEqual([recording.problem, recording.durationMs], ['STORAGE_FULL', 5_000]);
    await must(stream, host, 'startRecording', { liveRoomId: id });
  });

  it('that no media server took up, or one that is gone for good, come to an end', async () => {
    const [never, lost] = [await open(), await open()];
    await report.begin(newTake(lost.id, lost.recordingId));
    await becomes(lost.id, 'RECORDING');
    for (const { host, id } of [never, lost]) await must(stream, host, 'stopRecording', { liveRoomId: id });
    offsetMs += 60_000;
    await becomes(never.id, 'FAILED');
    assert.equal((await read(null, never.id)).recordings[0].problem, 'NOTHING_RECORDED');
    assert.equal(await stateOf(lost.id), 'STOPPING');
    offsetMs += 3_600_000;
    await becomes(lost.id, 'FAILED');
    assert.equal((await read(null, lost.id)).recordings[0].problem, 'INTERRUPTED');
  });

  it('are READY after all where files come that nobody waited for any more, and stay FAILED without', async () => {
    const stop = async () => {
      const { host, id, recordingId } = await open();
      const take = newTake(id, recordingId);
      await report.begin(take);
      await becomes(id, 'RECORDING');
      await must(stream, host, 'stopRecording', { liveRoomId: id });
      return { host, id, take };
    };
    const [late, empty] = [await stop(), await stop()];
    offsetMs += 3_660_000;
    for (const { id } of [late, empty]) await becomes(id, 'FAILED');
    await report.finish(empty.take, { files: [], problem: 'NOTHING_RECORDED' });
    await report.finish(late.take);
    await becomes(late.id, 'READY');
    const [recording] = (await read(late.host, late.id)).recordings;
    assert.deepEqual([recording.problem, recording.durationMs, recording.files.length], [null, 60_000, 1]);
    const told = (await logOf(stream, `live-room:${late.id}`)).filter((name) => /recording/.test(name));
    assert.equal(told.length, 5, 'STARTING, RECORDING, STOPPING, FAILED, READY');
    await until(async () => (await read(null, empty.id)).recordings[0].problem === 'NOTHING_RECORDED');
    assert.equal(await stateOf(empty.id), 'FAILED');
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newTake, reporter } from './recording-reports.ts';
import { until } from './result-streams.ts';
import { enter, logOf, must, newUser, openLiveRoom, startStream, type Stream } from './stream-kit.ts';

const RECORDING = `query ($id: ID!) { liveRoom(id: $id) { recordings { state startedAt durationMs problem
  files { participant { id } offsetMs url } } } }`;

/** A media server tells of a take in the order of what happened; of two takes, that of different servers perhaps, either may be told first. */
describe('a recording of several takes', () => {
  let stream: Stream;
  let report: ReturnType<typeof reporter>;
  before(async () => {
    stream = await startStream();
    report = reporter(stream);
  });
  after(() => stream.close());

  const read = async (viewer: string, id: string) =>
    (await stream.data(viewer, RECORDING, { id })).liveRoom.recordings[0];

  /** A minute of a mix that broke off, and 30 s after it half a minute of a mix and of a speaker. */
  const setTheScene = async () => {
    const host = newUser();
    const id = await openLiveRoom(stream, host);
    const speaker = await enter(stream, newUser(), id);
    const { recording } = await must(stream, host, 'startRecording', { liveRoomId: id, mode: 'BOTH' });
    const recordingId = String(recording.id);
    const startedAt = new Date();
    const first = newTake(id, recordingId, startedAt);
    const second = newTake(id, recordingId, new Date(startedAt.getTime() + 90_000));
    const own = { key: `recordings/${recordingId}/own.ogg`, participantId: speaker, sizeBytes: 5 };
    const mix = { key: `recordings/${recordingId}/mix-2.ogg`, participantId: null, sizeBytes: 4 };
    const files = [
      { ...mix, offsetMs: 0, durationMs: 30_000 },
      { ...own, offsetMs: 500, durationMs: 20_000 },
    ];
    return {
      ...{ host, id, speaker, first, second },
      stop: () => must(stream, host, 'stopRecording', { liveRoomId: id }),
      finishFirst: () => report.finish(first, { durationMs: 60_000, problem: 'INTERRUPTED' }),
      finishSecond: () => report.finish(second, { durationMs: 30_000, files }),
      filesAre: (count: number) => until(async () => (await read(host, id))?.files.length === count),
    };
  };
  type Scene = Awaited<ReturnType<typeof setTheScene>>;

  const checkWhole = async ({ host, id, speaker, first }: Scene) => {
    const { state, startedAt, durationMs, problem, files } = await read(host, id);
    assert.deepEqual(
      [state, startedAt, durationMs, problem],
      ['READY', first.startedAt, 120_000, 'INTERRUPTED'],
    );
    assert.deepEqual(
      files.map((one: Record<string, unknown>) => [one['participant'], one['offsetMs']]),
      [
        [null, 0],
        [null, 90_000],
        [{ id: speaker }, 90_500],
      ],
    );
    assert.match(files[0].url, /\/files\/recordings\/.*signature=/);
    for (const viewer of [newUser(), newUser()]) assert.deepEqual((await read(viewer, id)).files, []);
  };

  it('shows each at its moment, with files that only the host sees', async () => {
    const scene = await setTheScene();
    await report.begin(scene.first);
    await scene.finishFirst();
    await scene.filesAre(1);
    await report.begin(scene.second);
    await scene.stop();
    await scene.finishSecond();
    await scene.filesAre(3);
    await checkWhole(scene);
  });

  it('is the same where the later one is told first', async () => {
    const scene = await setTheScene();
    await report.begin(scene.second);
    await scene.finishSecond();
    await scene.filesAre(2);
    await report.begin(scene.first);
    await scene.finishFirst();
    await scene.filesAre(3);
    await scene.stop();
    await report.begin(scene.second);
    await until(async () => (await read(scene.host, scene.id)).durationMs === 120_000);
  });

  it('that is READY before one of them was told of at all is told of again, with what was missing', async () => {
    for (const isLateFirst of [false, true]) {
      const scene = await setTheScene();
      const early = isLateFirst ? scene.second : scene.first;
      const becomes = (state: string) =>
        until(async () => (await read(scene.host, scene.id)).state === state);
      await report.begin(early);
      await becomes('RECORDING');
      await scene.stop();
      await (isLateFirst ? scene.finishSecond() : scene.finishFirst());
      await becomes('READY');
      await report.begin(isLateFirst ? scene.first : scene.second);
      await (isLateFirst ? scene.finishFirst() : scene.finishSecond());
      await scene.filesAre(3);
      await checkWhole(scene);
      const told = (await logOf(stream, `live-room:${scene.id}`)).filter((name) => /recording/.test(name));
      assert.equal(told.length, 5, 'STARTING, RECORDING, STOPPING, READY, READY');
    }
  });
});

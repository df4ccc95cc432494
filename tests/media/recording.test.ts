import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { requireFfmpeg } from '../support/system-packages.ts';
import { skipWithoutWorker } from './media-kit.ts';
import { startRecordingKit, type RecordingKit } from './recording-kit.ts';
import { decode, toneOpus } from './sound.ts';

const ffmpeg = await requireFfmpeg();
const program = 'missing' in ffmpeg ? '' : ffmpeg.executablePath;
const skip = skipWithoutWorker || ('missing' in ffmpeg ? ffmpeg.missing : false);
const [ADA, BEN] = ['lpt_ada', 'lpt_ben'];
const [ADA_HZ, BEN_HZ] = [440, 1_200];
const TOLERANCE_MS = 100;
const HEARD = 0.1;
const SILENT = 0.01;

const near = (actual: number | undefined, expected: number, what: string) =>
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= TOLERANCE_MS,
    `${what}: ${actual} instead of ${Math.round(expected)}`,
  );

describe('The recording of a live room', { skip }, () => {
  let kit: RecordingKit;
  let [adaTone, benTone]: Buffer[][] = [];
  before(async () => {
    [adaTone, benTone] = [toneOpus(program, ADA_HZ), toneOpus(program, BEN_HZ)];
    const workerBin = findWorker().path ?? '';
    kit = await startRecordingKit({ workerBin, ffmpeg: { path: program } });
  });
  after(() => kit.close());

  test('has every speaker at their moment and for as long as it was, silence and late coming included', async () => {
    const recordingId = await kit.start('BOTH');
    const startedMs = performance.now();
    const sinceStart = () => performance.now() - startedMs;
    const adaMs = sinceStart();
    const ada = await kit.stage.speaker(ADA, adaTone);
    await ada.speak(1_000);
    const benMs = sinceStart();
    const ben = await kit.stage.speaker(BEN, benTone);
    const benSpeaks = ben.speak(2_500);
    // A microphone that is switched off at the server, one whose sender leaves packets out, one whose sender's clock stands still.
    await ada.producer.pause();
    const silentMs = sinceStart();
    await ada.rest(600, false);
    await ada.producer.resume();
    const backMs = sinceStart();
    await ada.speak(400);
    await ada.rest(400, true);
    await ada.speak(300);
    await ada.rest(500, false);
    const lastMs = sinceStart();
    await ada.speak(300);
    await benSpeaks;
    await kit.stop(recordingId);
    const totalMs = sinceStart();
    assert.deepEqual(kit.recorder.recordingsOf(kit.stage.liveRoomId), []);

    const { files, durationMs, problem } = await kit.finished(recordingId);
    assert.equal(problem, null);
    near(durationMs, totalMs, 'the take');
    const fileOf = (participantId: string | null) => {
      const found = files.find((file) => file.participantId === participantId);
      assert.ok(found, `no file of ${participantId}`);
      return { ...found, sound: decode(program, kit.pathOf(found.key)) };
    };
    const [first, second, mix] = [fileOf(ADA), fileOf(BEN), fileOf(null)];
    near(first.offsetMs, adaMs, 'the beginning of the first');
    near(second.offsetMs, benMs, 'the beginning of the second');
    for (const { sound, durationMs: told, offsetMs } of [first, second, mix]) {
      near(sound.durationMs, totalMs - offsetMs, 'a file');
      near(told, sound.durationMs, 'what is told of a file');
    }

    const own = (fromMs: number, toMs: number) => first.sound.amplitude(ADA_HZ, fromMs, toMs);
    assert.ok(own(200, 900) > HEARD, 'the first is heard');
    assert.ok(own(silentMs + 100, backMs - 100) < SILENT, 'and not while the microphone is off');
    assert.ok(own(backMs + 100, backMs + 350) > HEARD, 'and again when it is on');
    assert.ok(own(backMs + 500, backMs + 700) < SILENT, 'packets that were left out are silence');
    assert.ok(own(lastMs - 400, lastMs - 100) < SILENT, 'and so is a clock that stood still');
    assert.ok(own(lastMs + 60, lastMs + 250) > HEARD, 'behind which it goes on at its moment');
    assert.ok(second.sound.amplitude(BEN_HZ, 200, 2_300) > HEARD, 'the second is heard');
    assert.ok(second.sound.amplitude(ADA_HZ, 200, 2_300) < SILENT, 'alone in their file');
    assert.ok(mix.sound.amplitude(BEN_HZ, 100, 900) < SILENT, 'in the mix the second is not heard at first');
    for (const hertz of [ADA_HZ, BEN_HZ])
      assert.ok(mix.sound.amplitude(hertz, lastMs + 60, lastMs + 250) > HEARD, `the mix has ${hertz} Hz`);
    ada.producer.close();
    ben.producer.close();
  });

  test('takes nobody twice for an order that comes again, and goes on in a second take', async () => {
    const ada = await kit.stage.speaker(ADA, adaTone);
    const recordingId = await kit.start('PER_SPEAKER');
    await Promise.all([kit.start('PER_SPEAKER', recordingId), ada.speak(300)]);
    assert.deepEqual(kit.recorder.recordingsOf(kit.stage.liveRoomId), [recordingId]);
    await kit.stop(recordingId);
    await kit.stop(recordingId);
    const { takeId, files } = await kit.finished(recordingId);
    assert.deepEqual(
      files.map(({ participantId }) => participantId),
      [ADA],
    );
    await kit.start('MIX', recordingId);
    await ada.speak(300);
    const seen = kit.events.all.length;
    kit.stage.voices.roomClosed(kit.stage.liveRoomId);
    const again = await kit.events.find(({ name }) => name === 'media.recordingFinished', seen);
    assert.doesNotMatch(JSON.stringify(again.payload), new RegExp(takeId));
    assert.match(JSON.stringify(again.payload), /"participantId":null/);
    ada.producer.close();
  });

  test('of a room in which nobody spoke says so', async () => {
    const recordingId = await kit.start('BOTH');
    await kit.stop(recordingId);
    const { files, problem } = await kit.finished(recordingId);
    assert.deepEqual([files, problem], [[], 'NOTHING_RECORDED']);
  });

  test('leaves nothing where it grew', async () => {
    await kit.recorder.close();
    assert.deepEqual(await kit.leftovers(), []);
  });
});

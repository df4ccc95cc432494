import assert from 'node:assert/strict';
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, mock, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { newId } from '#platform/ids.ts';
import { extend, NOTHING } from '../../media-server/domain/ogg-opus.ts';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { skipWithoutWorker } from './media-kit.ts';
import { startRecordingKit } from './recording-kit.ts';

const PROCESS = fileURLToPath(new URL('recorder-process.ts', import.meta.url));
const workerBin = findWorker().path ?? '';
const ffmpeg = { missing: 'there is no ffmpeg here' };
/** What may be lost when a recorder is killed. */
const MAX_LOSS_MS = 2_000;
const FULL_BYTES = 64 * 1024;

describe('A recording in trouble', { skip: skipWithoutWorker }, () => {
  let folder: string;
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'veza-takes-'))));
  after(() => rm(folder, { recursive: true }));

  test('of a server that was killed is found by the next one, all but its last two seconds', async () => {
    const recordingId = newId('Recording');
    const takes = join(folder, 'killed');
    // It leaves behind what it has made, in this folder rather than beside it.
    const env = { ...process.env, TMPDIR: folder };
    const child = fork(PROCESS, [workerBin, takes, recordingId], { env });
    let recordedMs = 0;
    while (recordedMs < 3_000) [{ recordedMs }] = await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');

    const kit = await startRecordingKit({ workerBin, ffmpeg, folder: takes });
    try {
      await kit.recorder.recover();
      const { files, durationMs, problem } = await kit.finished(recordingId);
      assert.equal(problem, 'INTERRUPTED');
      assert.deepEqual(files.map(({ participantId }) => participantId).sort(), ['lpt_ada', 'lpt_ben']);
      for (const file of files) {
        assert.ok(file.durationMs > recordedMs - MAX_LOSS_MS, `${file.durationMs} of ${recordedMs} ms`);
        const bytes = await readFile(kit.pathOf(file.key));
        const extent = extend(NOTHING, bytes);
        assert.deepEqual([extent.bytes, extent.ended], [bytes.length, true]);
      }
      assert.ok(durationMs > recordedMs - MAX_LOSS_MS);
      await kit.recorder.close();
      assert.deepEqual(await kit.leftovers(), []);
      const names = kit.events.all.map(({ name }) => name);
      assert.deepEqual(names, ['media.recordingStarted', 'media.recordingFinished']);
    } finally {
      await kit.close();
    }
  });

  test('of a host that lost its power has all but its last two seconds on the disk', async () => {
    const power = await watchDisk();
    const takes = join(folder, 'power');
    const kit = await startRecordingKit({ workerBin, ffmpeg, folder: takes });
    try {
      await kit.start('PER_SPEAKER');
      const startedMs = performance.now();
      const speakers = [await kit.stage.speaker('lpt_ada'), await kit.stage.speaker('lpt_ben')];
      await Promise.all(speakers.map((speaker) => speaker.speak(3_000)));
      const saidMs = performance.now() - startedMs;
      const [take = ''] = await kit.leftovers();
      const tracks = (await readdir(join(takes, take))).filter((name) => name.endsWith('.ogg'));
      assert.equal(tracks.length, 2);
      for (const name of tracks) {
        const path = join(takes, take, name);
        const kept = (await readFile(path)).subarray(0, power.syncedBytes((await stat(path)).ino));
        const { granule } = extend(NOTHING, kept);
        assert.ok(granule / 48 > saidMs - MAX_LOSS_MS, `${granule / 48} of ${saidMs} ms`);
      }
      assert.ok(power.syncedFolders().has((await stat(join(takes, take))).ino));
      assert.ok(power.syncedFolders().has((await stat(takes)).ino));
    } finally {
      power.restore();
      await kit.close();
    }
  });

  test('that cannot be mixed keeps its speakers, and says why there is no mix', async () => {
    const kit = await startRecordingKit({ workerBin, ffmpeg });
    try {
      const recordingId = await kit.start('MIX');
      await (await kit.stage.speaker('lpt_ada')).speak(100);
      await kit.stop(recordingId);
      const { files, problem } = await kit.finished(recordingId);
      assert.equal(problem, 'MIXER_MISSING');
      assert.deepEqual(
        files.map(({ participantId }) => participantId),
        ['lpt_ada'],
      );
    } finally {
      await kit.close();
    }
  });

  test('on a disk that is full fails with an event, and keeps what it has', async (context) => {
    const disk = join(folder, 'disk');
    if (!mountSmallDisk(disk)) return context.skip('only root can make a small disk');
    const kit = await startRecordingKit({ workerBin, ffmpeg, folder: disk });
    try {
      const speaker = await kit.stage.speaker('lpt_ada', [
        Buffer.concat([Buffer.from([0xf8]), Buffer.alloc(900)]),
      ]);
      const recordingId = await kit.start('PER_SPEAKER');
      const speaking = speaker.speak(3_000);
      const failed = await kit.events.find(({ name }) => name === 'media.recordingFailed');
      assert.match(JSON.stringify(failed.payload), /STORAGE_FULL/);
      assert.deepEqual(kit.recorder.recordingsOf(kit.stage.liveRoomId), []);
      const { files, problem } = await kit.finished(recordingId);
      assert.equal(problem, 'STORAGE_FULL');
      assert.ok((files[0]?.durationMs ?? 0) > 0);
      await kit.start('PER_SPEAKER', recordingId);
      assert.deepEqual(kit.recorder.recordingsOf(kit.stage.liveRoomId), [], 'it is not tried again');
      await speaking;
    } finally {
      await kit.close();
      execFileSync('umount', [disk]);
    }
  });

  test('leaves alone what is no take', async () => {
    const kit = await startRecordingKit({ workerBin, ffmpeg, folder });
    try {
      await writeFile(join(folder, 'notes.txt'), 'mine');
      await kit.recorder.recover();
      assert.equal(await readFile(join(folder, 'notes.txt'), 'utf8'), 'mine');
    } finally {
      await kit.close();
    }
  });
});

/** Notes what the disk was made to keep: of each file how much, and whose names. */
async function watchDisk() {
  const probe = await open(tmpdir(), 'r');
  const prototype: FileHandle = Object.getPrototypeOf(probe);
  await probe.close();
  const synced = new Map<number, number>();
  const folders = new Set<number>();
  const watched = (original: FileHandle['sync']) =>
    async function (this: FileHandle) {
      const stats = await this.stat();
      const { ino, size } = stats;
      await original.call(this);
      if (stats.isDirectory()) folders.add(ino);
      else synced.set(ino, size);
    };
  const mocks = [
    mock.method(prototype, 'sync', watched(prototype.sync)),
    mock.method(prototype, 'datasync', watched(prototype.datasync)),
  ];
  return {
    syncedBytes: (ino: number) => synced.get(ino) ?? 0,
    syncedFolders: () => folders,
    restore: () => mocks.forEach((one) => one.mock.restore()),
  };
}

function mountSmallDisk(path: string): boolean {
  try {
    execFileSync('mkdir', ['-p', path]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${FULL_BYTES}`, 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

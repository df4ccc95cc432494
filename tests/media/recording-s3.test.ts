import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TAKES_AT_ONCE } from '../../media-server/recording/finisher.ts';
import { startS3, type S3, type S3Request } from '../support/s3.ts';
import { leaveTake, startFinishing, type Finishing } from './left-take.ts';
import { Observed } from './observed.ts';

const PROCESS = fileURLToPath(new URL('finisher-process.ts', import.meta.url));
/** More than S3 takes in one part. */
const LONG = { seconds: 160, packetBytes: 1_200 };
const SHORT = { seconds: 1, packetBytes: 100 };

const isChange = ({ method }: S3Request) => method !== 'GET';
const isSecondPart = ({ target }: S3Request) => target.includes('partNumber=2');
const isGivenUp = ({ method, target }: S3Request) => method === 'DELETE' && target.includes('uploadId');
const isFile = ({ method }: S3Request) => method === 'PUT';

describe('A recording that goes to S3', () => {
  let s3: S3;
  let folder: string;
  let running: Finishing[];
  beforeEach(async () => {
    s3 = await startS3();
    folder = await mkdtemp(join(tmpdir(), 'veza-takes-'));
    running = [];
  });
  afterEach(async () => {
    for (const one of running) await one.close();
    await s3.close();
    await rm(folder, { recursive: true });
  });

  const start = async (): Promise<Finishing> => {
    const one = await startFinishing({ folder, files: await s3.openStore() });
    running.push(one);
    return one;
  };
  const startProcess = (acknowledgement: 'acknowledged' | 'unacknowledged') =>
    fork(PROCESS, [folder, acknowledgement], { env: { ...process.env, ...s3.env } });
  const kill = async (child: ReturnType<typeof fork>) => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };

  /** All of a take is there once, as it was recorded, and was told of once; nothing else is left, here or there. */
  const checkWhole = async (one: Finishing, tracks: readonly Buffer[]) => {
    const { files, problem } = await one.finished();
    assert.equal(problem, null);
    const store = await s3.openStore();
    for (const [index, track] of tracks.entries()) {
      const file = files[index];
      assert.ok(file && (await buffer(await store.read(file.key))).equals(track));
      assert.equal(file.sizeBytes, track.length);
    }
    assert.deepEqual((await s3.keys()).sort(), files.map(({ key }) => key).sort());
    assert.deepEqual(await s3.unfinishedUploads(), []);
    await one.close();
    assert.deepEqual(await readdir(folder), []);
    assert.deepEqual(one.names(), ['media.recordingStarted', 'media.recordingFinished']);
  };

  for (const trouble of ['SLOW_DOWN', 'CUT', 'UNANSWERED', 20] as const)
    test(`is whole where every request goes wrong the first time: ${trouble}`, async () => {
      const tracks = await leaveTake(folder, [LONG, SHORT]);
      const known = new Set<string>();
      s3.trouble(({ method, target }) => {
        const request = `${method} ${target.replace(/uploadId=\w+/, '')}`;
        const isNew = !known.has(request);
        known.add(request);
        return isNew ? trouble : null;
      });
      await checkWhole(await start(), tracks);
    });

  test('is kept while S3 refuses it, and what is stored of it already is not stored again', async () => {
    const tracks = await leaveTake(folder, [SHORT, LONG]);
    s3.trouble((request) => (isSecondPart(request) ? 'SLOW_DOWN' : null));
    const one = await start();
    for (let attempt = 1; attempt <= 2; attempt++)
      await s3.requests.find(isGivenUp, s3.requests.all.findLastIndex(isGivenUp) + 1);
    assert.deepEqual(one.names(), []);
    assert.equal((await readdir(folder)).length, 1);
    s3.trouble(() => null);
    await checkWhole(one, tracks);
    const ofShort = s3.requests.all.filter(
      (request) => isFile(request) && request.target.includes('/0-lpt_0'),
    );
    assert.equal(ofShort.length, 1);
  });

  test('is whole where the server was killed while it stored it', async () => {
    const tracks = await leaveTake(folder, [SHORT, LONG]);
    s3.trouble((request) => (isSecondPart(request) ? 'SILENT' : null));
    const child = startProcess('acknowledged');
    await s3.requests.find(isSecondPart);
    await kill(child);
    assert.equal((await s3.unfinishedUploads()).length, 1);
    s3.trouble(() => null);
    await checkWhole(await start(), tracks);
  });

  test('is told of again by the same event where the server was killed in the moment of telling, and not touched', async () => {
    const tracks = await leaveTake(folder, [SHORT, LONG]);
    const child = startProcess('unacknowledged');
    const told = new Observed<{ id: string; name: string }>();
    child.on('message', (event: { id: string; name: string }) => told.add(event));
    const { id } = await told.find(({ name }) => name === 'media.recordingFinished');
    await kill(child);
    const known = s3.requests.all.length;
    const one = await start();
    await checkWhole(one, tracks);
    assert.equal(one.events.all.at(-1)?.id, id);
    assert.deepEqual(s3.requests.all.slice(known).filter(isChange), []);
  });

  test('is no take any more before the first of its files is removed', async () => {
    await leaveTake(folder, [SHORT, SHORT]);
    const [takeId = ''] = await readdir(folder);
    const removed = new Observed<string>();
    const watcher = watch(join(folder, takeId), (kind, name) => kind === 'rename' && removed.add(name ?? ''));
    const one = await start();
    await one.finished();
    await removed.find((name) => name.endsWith('.ogg'));
    const isTrack = removed.all.findIndex((name) => name.endsWith('.ogg'));
    assert.ok(removed.all.slice(0, isTrack).includes('take.json'));
    watcher.close();
  });

  test('waits its turn: after a crash there are many', async () => {
    const takes = 2 * TAKES_AT_ONCE + 1;
    for (let take = 0; take < takes; take++) await leaveTake(folder, [SHORT, SHORT]);
    let [begun, most] = [0, 0];
    s3.trouble((request) => {
      if (isFile(request)) most = Math.max(most, ++begun - s3.requests.all.filter(isFile).length);
      return isFile(request) ? 20 : null;
    });
    const one = await start();
    const isTold = ({ name }: { name: string }) => name === 'media.recordingFinished';
    while (one.events.all.filter(isTold).length < takes)
      await one.events.find(isTold, one.events.all.findLastIndex(isTold) + 1);
    assert.ok(most <= TAKES_AT_ONCE, `${most} at once`);
  });

  test('is left for the next start where S3 is silent when the server stops', async () => {
    const tracks = await leaveTake(folder, [SHORT]);
    for (const isAsked of [isFile, ({ method }: S3Request) => method === 'DELETE']) {
      s3.trouble((request) => (isAsked(request) ? 'SILENT' : null));
      const known = s3.requests.all.length;
      const one = await start();
      await s3.requests.find(isAsked, known);
      await one.close();
      assert.deepEqual(one.names(), []);
    }
    s3.trouble(() => null);
    await checkWhole(await start(), tracks);
  });

  test('is found beside one that cannot be read', async () => {
    await mkdir(join(folder, 'foreign'));
    await writeFile(join(folder, 'foreign', 'take.json'), '{');
    await leaveTake(folder, [SHORT]);
    const one = await start();
    assert.equal((await one.finished()).files.length, 1);
    await one.close();
    assert.deepEqual(await readdir(folder), ['foreign']);
  });
});

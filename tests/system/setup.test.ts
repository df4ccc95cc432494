import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { identify, isAlive } from '#platform/machine/process-identity.mjs';
import { createSetupCheckout } from '../support/setup-checkout.ts';

function checkout(t: TestContext) {
  const made = createSetupCheckout();
  t.after(() => made.remove());
  return made;
}

test('dependencies are installed once, and again when the lockfile changes', async (t) => {
  const made = checkout(t);
  assert.equal((await made.run()).code, 0);
  const second = await made.run();
  assert.deepEqual([second.code, second.output], [0, '']);
  assert.equal(made.npmRuns().length, 1);
  made.changeLockfile();
  assert.equal((await made.run()).code, 0);
  assert.equal(made.npmRuns().length, 2);
});

test('two setups at once install once', async (t) => {
  const made = checkout(t);
  const outcomes = await Promise.all([made.run(), made.run(), made.run()]);
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    [0, 0, 0],
  );
  assert.equal(made.npmRuns().length, 1);
});

test('a failed installation says what npm said and what to do, and the next setup tries again', async (t) => {
  const made = checkout(t);
  made.npm('fail');
  const failed = await made.run();
  assert.equal(failed.code, 1);
  assert.match(failed.output, /npm error ENOTFOUND registry/);
  assert.match(failed.output, /Check the network/);
  assert.doesNotMatch(failed.output, /\n\s+at /);
  made.npm('install');
  assert.equal((await made.run()).code, 0);
});

test('after kill -9 midway the npm left behind is ended before another begins', async (t) => {
  const made = checkout(t);
  made.npm('hang');
  const hangs = new Promise<void>((resolve) => {
    const watcher = watch(made.folder, (_event, name) => {
      if (name !== 'npm-hangs') return;
      watcher.close();
      resolve();
    });
  });
  const killed = made.start();
  await hangs;
  killed.kill('SIGKILL');
  await once(killed, 'close').catch(() => undefined);
  const [orphan] = made.npmRuns().map(identify);
  assert.ok(orphan && isAlive(orphan), 'the npm should outlive the setup that was killed');
  made.npm('install');
  assert.equal((await made.run()).code, 0);
  assert.equal(isAlive(orphan), false);
  assert.equal(made.npmRuns().length, 2);
  assert.ok(existsSync(join(made.folder, 'node_modules', 'mediasoup', 'package.json')));
});

test('a worker that cannot be obtained is explained, and everything else is set up', async (t) => {
  const made = checkout(t);
  const notAFolder = join(made.folder, 'file');
  writeFileSync(notAFolder, '');
  const { code, output } = await made.run({ MEDIASOUP_WORKER_BIN: '', VEZA_CACHE_DIR: notAFolder });
  assert.equal(code, 0);
  assert.match(output, /live audio will be unavailable, everything else works: .*ENOTDIR/);
});

test('an ffmpeg that cannot be had is explained once, and everything else is set up', async (t) => {
  const made = checkout(t);
  const env = { PATH: made.folder, FFMPEG_BIN: '', VEZA_CACHE_DIR: join(made.folder, 'cache') };
  const { code, output } = await made.run(env);
  assert.equal(code, 0);
  assert.match(
    output,
    /can be neither mixed nor broadcast, everything else works: this machine has no apt-get/,
  );
  assert.match(output, /FFMPEG_BIN/);
  const second = await made.run(env);
  assert.deepEqual([second.code, second.output], [0, '']);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runNode, type RunningProcess } from '../support/running-process.ts';

const root = new URL('../../', import.meta.url).href;

/** Runs a program whose `start` is this text; `say` writes a line and the timer keeps it alive. */
function runStart(start: string): RunningProcess {
  const program = `
    import { runProcess } from '${root}platform/process.ts';
    import { EnvironmentError } from '${root}platform/environment.ts';
    const say = (line) => process.stdout.write(line + '\\n');
    setInterval(() => undefined, 1_000);
    await runProcess(async () => { ${start} });`;
  return runNode(['--input-type=module', '--eval', program]);
}

describe('a process', () => {
  it('that cannot start says why once, and exits with 1', async () => {
    const run = runStart(`throw new EnvironmentError(['PORT: is wrong', 'HOST: is wrong'])`);
    assert.equal(await run.ended, 1);
    assert.equal(run.stderr(), 'The environment is not usable:\n  - PORT: is wrong\n  - HOST: is wrong\n');
    assert.equal(run.stdout(), '');
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`closes on ${signal} and exits with 0`, async () => {
      const run = runStart(`say('ready'); return { close: async () => say('closed') }`);
      await run.says('ready');
      run.child.kill(signal);
      assert.equal(await run.ended, 0);
      assert.match(run.stdout(), /closed/);
    });
  }

  it('that was told to stop while it starts closes once it has started', async () => {
    const run = runStart(`
      const told = new Promise((resolve) => process.once('SIGTERM', resolve));
      say('starting'); await told; say('started');
      return { close: async () => say('closed') };`);
    await run.says('starting');
    run.child.kill('SIGTERM');
    assert.equal(await run.ended, 0);
    assert.match(run.stdout(), /started\nclosed/);
  });

  it('ends at once on a second signal, of whatever kind', async () => {
    const run = runStart(
      `say('ready'); return { close: () => { say('closing'); return new Promise(() => {}); } }`,
    );
    await run.says('ready');
    run.child.kill('SIGTERM');
    await run.says('closing');
    run.child.kill('SIGINT');
    assert.equal(await run.ended, 1);
  });

  it('ends with 1 once its own deadline for closing has passed', async () => {
    const run = runStart(`say('ready'); return { close: () => new Promise(() => {}), closeDeadlineMs: 1 }`);
    await run.says('ready');
    run.child.kill('SIGTERM');
    assert.equal(await run.ended, 1);
  });

  it('ends on a second signal also while a start hangs', async () => {
    const run = runStart(`
      process.once('SIGTERM', () => say('heard'));
      say('starting'); await new Promise(() => {});`);
    await run.says('starting');
    run.child.kill('SIGTERM');
    await run.says('heard');
    run.child.kill('SIGTERM');
    assert.equal(await run.ended, 1);
  });

  it('whose close fails says why and exits with 1', async () => {
    const run = runStart(`say('ready'); return { close: async () => { throw new Error('stuck'); } }`);
    await run.says('ready');
    run.child.kill('SIGTERM');
    assert.equal(await run.ended, 1);
    assert.equal(run.stderr(), 'stuck\n');
  });

  const uncaught = {
    'a rejection': `Promise.reject(new Error('nobody caught me'))`,
    'an exception': `setImmediate(() => { throw new Error('nobody caught me'); })`,
    'something that is no error': `setImmediate(() => { throw 'nobody caught me'; })`,
  };
  for (const [name, code] of Object.entries(uncaught)) {
    it(`logs ${name} that nobody caught as one line, and exits with 1`, async () => {
      const run = runStart(`${code}; return { close: async () => say('closed') }`);
      assert.equal(await run.ended, 1);
      const line = JSON.parse(run.stdout()) as { level: string };
      assert.equal(line.level, 'fatal');
      assert.match(run.stdout(), /nobody caught me/);
    });
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { databaseUrlOf, ensureDatabase } from '#platform/database-url.ts';
import { EnvironmentError, readEnvironment, variables } from '#platform/environment.ts';
import { messageOf } from '#platform/errors.ts';
import { createTestDatabase, execute } from '../support/databases.ts';
import { recordingLog } from '../support/recording-log.ts';
import { freePort } from '../support/servers.ts';

const shape = z.object({
  PORT: variables.port(4_001, 'Port.'),
  LOG_LEVEL: variables.LOG_LEVEL,
  INTERNAL_SECRET: variables.INTERNAL_SECRET,
  REDIS_URL: variables.REDIS_URL,
  DATABASE_URL: variables.DATABASE_URL,
});
const SECRET = 'x'.repeat(32);

function problemsOf(env: NodeJS.ProcessEnv, eitherOf: Parameters<typeof readEnvironment>[2] = []): string[] {
  try {
    readEnvironment(shape, env, eitherOf);
    return [];
  } catch (error) {
    assert.ok(error instanceof EnvironmentError);
    for (const problem of error.problems) assert.ok(error.message.includes(problem));
    return [...error.problems];
  }
}

describe('the environment', () => {
  it('is read with its defaults, and leaves alone what it does not know', () => {
    const read = readEnvironment(shape, { INTERNAL_SECRET: SECRET, PORT: '0', OTHER: 'x' });
    assert.deepEqual(read, { INTERNAL_SECRET: SECRET, PORT: 0, LOG_LEVEL: 'info' });
  });

  it('names every problem at once, alternatives of which none is set included', () => {
    const env = { PORT: '70000', LOG_LEVEL: 'loud', REDIS_URL: 'http://x', DATABASE_URL: 'nonsense' };
    const problems = problemsOf(env, [
      ['FILES_DIR', 'S3_BUCKET'],
      ['USER_DATABASE_URL', 'DATABASE_URL'],
    ]);
    const names = problems.map((problem) => problem.split(':')[0]);
    const expected = ['DATABASE_URL', 'FILES_DIR', 'INTERNAL_SECRET', 'LOG_LEVEL', 'PORT', 'REDIS_URL'];
    assert.deepEqual(names.sort(), expected);
    assert.ok(problems.includes('INTERNAL_SECRET: is required'));
    assert.ok(problems.includes('FILES_DIR: set it, or S3_BUCKET'));
  });

  it('takes an empty or blank value for one that is not set', () => {
    const env = { INTERNAL_SECRET: SECRET, PORT: ' ', REDIS_URL: '', DATABASE_URL: '\t' };
    assert.deepEqual(readEnvironment(shape, env), {
      INTERNAL_SECRET: SECRET,
      PORT: 4_001,
      LOG_LEVEL: 'info',
    });
    assert.deepEqual(problemsOf({ INTERNAL_SECRET: '' }), ['INTERNAL_SECRET: is required']);
  });

  it('never repeats what a variable holds', () => {
    const secrets = {
      INTERNAL_SECRET: 'hush-hush',
      REDIS_URL: 'redes://u:hush@x',
      DATABASE_URL: 'pg://u:hush@x',
    };
    const problems = problemsOf({ ...secrets, PORT: 'hush', LOG_LEVEL: 'hush' });
    assert.equal(problems.length, 5);
    assert.doesNotMatch(problems.join('\n'), /hush/);
  });
});

describe("the address of a service's database", () => {
  it('is its own variable first, else a database of its own on the common server', () => {
    const server = 'postgres://u:p@h:5433';
    assert.equal(
      databaseUrlOf('user', { USER_DATABASE_URL: `${server}/a`, DATABASE_URL: server }),
      `${server}/a`,
    );
    const derived = (DATABASE_URL: string) => databaseUrlOf('user', { DATABASE_URL });
    assert.equal(derived(server), `${server}/veza_user`);
    assert.equal(derived(`${server}/`), `${server}/veza_user`);
    assert.equal(derived(`${server}/shop?sslmode=require`), `${server}/shop_user?sslmode=require`);
    assert.equal(derived(`${server}/shop/`), `${server}/shop_user`);
  });

  it('has to come from one of the two variables', () => {
    assert.throws(() => databaseUrlOf('user', {}), /USER_DATABASE_URL: set it, or DATABASE_URL/);
  });
});

describe('a missing database', () => {
  it('is made once, by however many ask for it at the same time', async () => {
    const database = await createTestDatabase();
    const url = new URL(database.url);
    const name = `${url.pathname.slice(1)}_"odd`;
    url.pathname = `/${encodeURIComponent(name)}`;
    try {
      await Promise.all(Array.from({ length: 5 }, () => ensureDatabase(url.href)));
      await execute(url.href, 'select 1');
      await ensureDatabase(url.href);
    } finally {
      await execute(database.url, `drop database if exists "${name.replace('"', '""')}" with (force)`);
      await database.drop();
    }
  });

  it('on a server that does not answer is said with host, port and name, without the password', async () => {
    const port = await freePort();
    const failure = ensureDatabase(`postgres://u:hush@127.0.0.1:${port}/veza_user`);
    await assert.rejects(failure, (error) => {
      assert.match(messageOf(error), new RegExp(`veza_user at 127.0.0.1:${port} .*ECONNREFUSED`));
      assert.doesNotMatch(messageOf(error), /hush/);
      return true;
    });
    await assert.rejects(ensureDatabase(`postgres://u:hush@localhost:${port}/veza_user`), /ECONNREFUSED/);
  });
});

describe('the log', () => {
  it('hides secrets however deep they are nested, in errors and bindings too', () => {
    const { log, text } = recordingLog();
    const error = Object.assign(new Error('failed'), { request: { headers: { Authorization: 'hush' } } });
    log.info({ password: 'hush', user: { token: 'hush', list: [{ refreshToken: 'hush' }] } }, 'a');
    log.info({ headers: { authorization: 'hush', cookie: 'hush', 'x-veza-viewer': 'hush' } }, 'b');
    log.child({ token: 'hush', request: { accessToken: 'hush' } }).warn({ err: error }, 'c');
    assert.doesNotMatch(text(), /hush/);
    assert.match(text(), /"password":"\*\*\*"/);
  });

  it('keeps what is no secret: levels, moments, errors with their stack, and causes', () => {
    const { log, text } = recordingLog();
    const moment = new Date('2026-01-31T12:00:00Z');
    log
      .child({ subgraph: 'user' })
      .error({ err: new Error('failed', { cause: new Error('why') }), moment }, 'm');
    const line = JSON.parse(text()) as Record<string, unknown> & { err: { message: string; stack: string } };
    assert.deepEqual(
      [line['level'], line['service'], line['subgraph'], line['msg'], line['moment']],
      ['error', 'test', 'user', 'm', moment.toISOString()],
    );
    assert.match(line.err.message, /failed.*why/);
    assert.match(line.err.stack, /platform-environment/);
  });

  it('survives what refers to itself', () => {
    const { log, text } = recordingLog();
    const loop: Record<string, unknown> = { token: 'hush' };
    loop['self'] = loop;
    log.info({ loop, list: [loop] }, 'round');
    assert.match(text(), /round/);
    assert.doesNotMatch(text(), /hush/);
  });
});

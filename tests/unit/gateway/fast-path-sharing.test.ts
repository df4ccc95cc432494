import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { createGrants, type Grants } from '../../../gateway/engine/authorization/grants.ts';
import type { EngineScope } from '../../../gateway/engine/engine.ts';
import { createSharedRuns, keyOf, type SharedRuns } from '../../../gateway/fast-path/shared-runs.ts';
import { openRaw, readUntil } from '../../support/raw-http.ts';
import { post, startFakeGateway, type FakeGateway } from './fake-gateway.ts';

const QUERY = { query: '{ hello }' };

/** Runs of the engine, each in the hands of the test. */
function holdRuns({ engine }: FakeGateway) {
  const runs: { scope: EngineScope; finish(): void }[] = [];
  let started = Promise.withResolvers<void>();
  const execute = engine.execute;
  engine.execute = async (request, scope) => {
    if (request.query.includes('mutation')) return execute(request, scope);
    const held = Promise.withResolvers<void>();
    runs.push({ scope, finish: held.resolve });
    started.resolve();
    started = Promise.withResolvers();
    await held.promise;
    return execute(request, scope);
  };
  return { runs, next: () => started.promise, release: () => void (engine.execute = execute) };
}

const bytesOf = (body: object) => {
  const text = JSON.stringify(body);
  return `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
};

describe('queries under way', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway();
  });
  after(() => gateway.close());

  test('are run once for all who ask the same, each under an id of its own', async () => {
    const held = holdRuns(gateway);
    const started = held.next();
    const first = openRaw(gateway.listener.port, bytesOf(QUERY));
    await started;
    const marker = held.next();
    // Requests of one connection are taken up in their order: when the last one runs, the one before it has been, too.
    const second = await openRaw(gateway.listener.port, bytesOf(QUERY) + bytesOf({ query: '{ nullable }' }));
    await marker;
    assert.equal(held.runs.length, 2);
    for (const run of held.runs) run.finish();
    const answers = await Promise.all([readUntil(await first, '}}'), readUntil(second, '"nullable"')]);
    const ids = answers.map((answer) => /x-correlation-id: (\S+)/.exec(answer)?.[1]);
    assert.notEqual(ids[0], ids[1]);
    for (const answer of answers) assert.match(answer, /{"data":{"hello":"Hello, world"}}/);
    for (const socket of [await first, second]) socket.destroy();
    held.release();
  });

  test('are not shared with another caller', async () => {
    const held = holdRuns(gateway);
    const answers = [];
    for (const authorization of ['Bearer one', 'Bearer two']) {
      const started = held.next();
      answers.push(post(gateway, QUERY, { authorization }));
      await started;
    }
    assert.deepEqual(
      held.runs.map(({ scope }) => scope.headers['authorization']),
      ['Bearer one', 'Bearer two'],
    );
    for (const run of held.runs) run.finish();
    await Promise.all(answers);
    held.release();
  });

  test('do not answer who asks after a mutation: whoever changed something sees it', async () => {
    const held = holdRuns(gateway);
    const first = held.next();
    const answers = [post(gateway, QUERY)];
    await first;
    await post(gateway, { query: 'mutation { rename(name: "x") }' });
    const second = held.next();
    answers.push(post(gateway, QUERY));
    await second;
    assert.equal(held.runs.length, 2);
    for (const run of held.runs) run.finish();
    await Promise.all(answers);
    held.release();
  });
});

describe('a shared run', () => {
  const client = () => new EventEmitter();
  /** A run that never ends, and its signal. */
  const start = (runs: SharedRuns<string>) => {
    const signals: AbortSignal[] = [];
    const run = runs.start('key', (signal) => {
      signals.push(signal);
      return new Promise(() => undefined);
    });
    return { run, isAborted: () => signals[0]?.aborted };
  };

  test('goes on while one client waits; when none does it is cut off, and joined no more', () => {
    const runs = createSharedRuns<string>();
    const { run, isAborted } = start(runs);
    const [one, other] = [client(), client()];
    void run.join(one);
    void runs.find('key')?.join(other);
    one.emit('close');
    assert.equal(isAborted(), false);
    other.emit('close');
    assert.equal(isAborted(), true);
    assert.equal(runs.find('key'), undefined);
  });

  test('is found until it ends, also where it fails', async () => {
    const runs = createSharedRuns<string>();
    const failing = Promise.withResolvers<string>();
    const joined = runs.start('key', () => failing.promise).join(client());
    assert.ok(runs.find('key'));
    failing.reject(new Error('no'));
    await assert.rejects(joined, /no/);
    assert.equal(runs.find('key'), undefined);
  });

  test('that was cut off does not take away the one that came after it', async () => {
    const runs = createSharedRuns<string>();
    const early = Promise.withResolvers<string>();
    const gone = client();
    const joined = runs.start('key', () => early.promise).join(gone);
    gone.emit('close');
    const late = start(runs);
    early.resolve('too late');
    await joined;
    assert.equal(runs.find('key'), late.run);
  });

  test('is told apart by every header that can change the answer, by what its caller may see, and by the body', () => {
    const ignored = new Set(['x-correlation-id']);
    const key = (headers: Record<string, string>, body = 'body', grants?: Grants) =>
      keyOf({ headers, ...(grants && { grants }) }, ignored, body);
    const base = key({ 'x-correlation-id': '1', authorization: 'a' });
    assert.equal(key({ 'x-correlation-id': '2', authorization: 'a' }), base);
    for (const other of [
      key({ authorization: 'b' }),
      key({}),
      key({ authorization: 'a', 'accept-language': 'it' }),
      key({ authorization: 'a' }, 'other'),
      key({ authorization: 'a' }, 'body', createGrants([], [])),
      key({ authorization: 'a' }, 'body', createGrants(['read'], [])),
    ])
      assert.notEqual(other, base);
  });
});

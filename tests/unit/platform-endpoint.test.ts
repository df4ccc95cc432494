import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FormattedExecutionResult } from 'graphql';
import { isResultStream, type RequestScope, type ResultStream } from '#platform/subgraph-endpoint.ts';
import { signViewer, VIEWER_HEADER } from '#platform/viewer.ts';
import { recordingLog } from '../support/recording-log.ts';
import { TINY_SECRET, tinySubgraph } from '../support/tiny-subgraph.ts';

const logged = recordingLog();
const { endpoint, topics } = tinySubgraph(logged.log);

const scope = (
  headers: Record<string, string> = {},
  signal = new AbortController().signal,
): RequestScope => ({
  headers,
  signal,
});
const viewerHeader = (userId: string, roles: string[] = ['USER']) => ({
  [VIEWER_HEADER]: signViewer({ userId, sessionId: 'ses_1', roles }, TINY_SECRET),
});
const run = (query: string, variables?: Record<string, unknown>, headers?: Record<string, string>) =>
  endpoint.execute({ query, variables }, scope(headers));
const codeOf = ({ errors }: FormattedExecutionResult) => errors?.[0]?.extensions?.['code'];

async function follow(query: string, asked = scope()): Promise<ResultStream> {
  const stream = await endpoint.subscribe({ query }, asked);
  assert.ok(isResultStream(stream));
  return stream;
}

describe('an operation', () => {
  it('is refused with a code where it cannot be parsed, is not valid or is not clear', async () => {
    assert.equal(codeOf(await run('{')), 'GRAPHQL_PARSE_FAILED');
    assert.equal(codeOf(await run('{ nothing }')), 'GRAPHQL_VALIDATION_FAILED');
    assert.equal(codeOf(await run('')), 'GRAPHQL_PARSE_FAILED');
    assert.equal(codeOf(await run('query A { mood } query B { mood }')), 'BAD_REQUEST');
    const named = { query: 'query A { mood }', operationName: 'B' };
    assert.equal(codeOf(await endpoint.execute(named, scope())), 'BAD_REQUEST');
  });

  it('may be nested as deeply or be as long as it likes without harm', async () => {
    const deep = `${'{ a'.repeat(7_000)}${'}'.repeat(7_000)}`;
    for (const query of [deep, `{ ${'mood '.repeat(20_000)} }`, `{ echo(text: ${'['.repeat(14_000)}) }`]) {
      assert.match(String(codeOf(await run(query))), /^GRAPHQL_/);
    }
  });

  it('of one kind is not run as the other', async () => {
    assert.equal(codeOf(await run('subscription { ticks(of: "x") { value } }')), 'BAD_REQUEST');
    const result = await endpoint.subscribe({ query: '{ mood }' }, scope());
    assert.ok(!isResultStream(result));
    assert.equal(codeOf(result), 'BAD_REQUEST');
  });

  it('with variables that do not fit is bad user input, whether a scalar of ours or of GraphQL refuses', async () => {
    const query =
      'query ($text: String!, $at: DateTime, $count: Int) { echo(text: $text, at: $at, count: $count) }';
    const wrong = [{}, { text: 5 }, { text: null }, { text: 'x', at: 'soon' }, { text: 'x', count: 1.5 }];
    for (const variables of wrong) assert.equal(codeOf(await run(query, variables)), 'BAD_USER_INPUT');
    const nullable = 'query ($text: String = "x") { echo(text: $text) }';
    assert.equal(codeOf(await run(nullable, { text: null })), 'BAD_USER_INPUT');
    assert.deepEqual((await run(query, { text: 'x', at: '2026-01-31T12:00:00Z' })).errors, undefined);
  });

  it('gets a context of its own and the correlation id', async () => {
    const number = async () => Number((await run('{ context }')).data?.['context']);
    const first = await number();
    assert.equal(await number(), first + 1);
    const { data } = await run('{ correlationId }', {}, { 'x-correlation-id': 'c1' });
    assert.equal(data?.['correlationId'], 'c1');
  });
});

describe('a failing resolver', () => {
  it('shows refusals with their code and every user error, and coded errors with their details', async () => {
    const refused = await run('{ fail(how: "refusal") }');
    assert.equal(codeOf(refused), 'BAD_USER_INPUT');
    const [error] = refused.errors ?? [];
    const userErrors = error?.extensions?.['userErrors'] as { field: string[] }[];
    assert.deepEqual(
      userErrors.map(({ field }) => field.join('.')),
      ['input.a', 'input.b'],
    );
    const coded = await run('{ fail(how: "coded") }');
    assert.deepEqual({ ...coded.errors?.[0]?.extensions }, { code: 'CONFLICT', currentVersion: 3 });
    assert.deepEqual(coded.errors?.[0]?.path, ['fail']);
  });

  for (const how of ['plain', 'bare']) {
    it(`masks every other error (${how}), and logs it whole with the correlation id`, async () => {
      const result = await run(`{ fail(how: "${how}") }`, {}, { 'x-correlation-id': `id-of-${how}` });
      assert.equal(codeOf(result), 'INTERNAL_SERVER_ERROR');
      assert.doesNotMatch(JSON.stringify(result), /secret detail/);
      assert.match(logged.text(), new RegExp(`id-of-${how}.*secret detail`));
    });
  }

  it('masks results that do not fit the schema: those are our fault', async () => {
    for (const query of ['{ mood }', '{ notNull }']) {
      const result = await run(query);
      assert.equal(codeOf(result), 'INTERNAL_SERVER_ERROR');
      assert.equal(result.errors?.[0]?.message, 'Internal server error.');
    }
  });

  it('calls a value that the database refuses bad user input, without its words', async () => {
    const result = await run('{ fail(how: "database") }');
    assert.equal(codeOf(result), 'BAD_USER_INPUT');
    assert.doesNotMatch(JSON.stringify(result), /secret detail/);
  });
});

describe('a field with @auth', () => {
  it('refuses who is not signed in, or whose header is forged', async () => {
    assert.equal(codeOf(await run('{ whoAmI }')), 'UNAUTHENTICATED');
    const forged = { [VIEWER_HEADER]: `${viewerHeader('usr_1')[VIEWER_HEADER]}x` };
    assert.equal(codeOf(await run('{ whoAmI }', {}, forged)), 'UNAUTHENTICATED');
    assert.equal((await run('{ whoAmI }', {}, viewerHeader('usr_1'))).data?.['whoAmI'], 'usr_1');
  });

  it('asks for one of its roles', async () => {
    const result = await run('{ adminOnly }', {}, viewerHeader('usr_1'));
    assert.equal(codeOf(result), 'FORBIDDEN');
    assert.deepEqual(result.errors?.[0]?.extensions?.['requiredRoles'], ['ADMIN', 'OWNER']);
    const owner = await run('{ adminOnly }', {}, viewerHeader('usr_1', ['USER', 'OWNER']));
    assert.equal(owner.data?.['adminOnly'], true);
  });

  it('guards subscriptions before they start', async () => {
    const result = await endpoint.subscribe({ query: 'subscription { mine(of: "x") { value } }' }, scope());
    assert.ok(!isResultStream(result));
    assert.equal(codeOf(result), 'UNAUTHENTICATED');
    assert.equal(topics.listeners, 0);
  });
});

describe('a subscription', () => {
  const ticks = (of: string) => `subscription { ticks(of: "${of}") { value viewer context } }`;
  type Tick = { ticks: { value: string; viewer: string | null; context: number } };
  const tickOf = ({ value }: IteratorResult<FormattedExecutionResult, void>) => {
    const data = value?.data as Tick;
    return data.ticks;
  };

  it('resolves every event in a fresh context, for the viewer who started it', async () => {
    const stream = await follow(ticks('fresh'), scope(viewerHeader('usr_7')));
    const first = stream.next();
    topics.emit('fresh', 'a');
    topics.emit('fresh', 'b');
    const [a, b] = [tickOf(await first), tickOf(await stream.next())];
    assert.deepEqual([a.value, a.viewer, b.value, b.viewer], ['a', 'usr_7', 'b', 'usr_7']);
    assert.equal(b.context, a.context + 1);
    await stream.return();
  });

  it('ends at once when its reader returns while it waits for an event', async () => {
    const stream = await follow(ticks('waiting'));
    const pending = [stream.next(), stream.next()];
    await stream.return();
    for (const next of pending) assert.deepEqual(await next, { done: true, value: undefined });
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
  });

  it('frees its source when its reader returns between two events', async () => {
    const stream = await follow(ticks('between'));
    const first = stream.next();
    topics.emit('between', 'a');
    await first;
    await stream.return();
    await topics.gone('between');
  });

  it('ends when its caller aborts', async () => {
    const caller = new AbortController();
    const stream = await follow(ticks('aborted'), scope({}, caller.signal));
    const pending = stream.next();
    caller.abort();
    assert.equal((await pending).done, true);
  });

  it('tells of a source that fails with a last, masked result', async () => {
    const stream = await follow(ticks('failing'));
    const pending = stream.next();
    topics.fail('failing', new Error('hidden reason'));
    const { value } = await pending;
    assert.equal(value?.errors?.[0]?.extensions?.['code'], 'INTERNAL_SERVER_ERROR');
    assert.doesNotMatch(JSON.stringify(value), /hidden reason/);
    assert.match(logged.text(), /hidden reason/);
    assert.equal((await stream.next()).done, true);
  });

  it('that a resolver refuses is answered with the code', async () => {
    const result = await endpoint.subscribe({ query: 'subscription { refused { value } }' }, scope());
    assert.ok(!isResultStream(result));
    assert.equal(codeOf(result), 'FORBIDDEN');
  });
});

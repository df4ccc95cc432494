import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createClient } from 'graphql-sse';
import { recordingLog } from '../../support/recording-log.ts';
import { startWithSessions, tokenOf } from './believed-sessions.ts';
import { answerOf, codeOf, startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { putReservation, reserve } from './stream-client.ts';

const TICKS = 'subscription { ticks }';
const outcome = async (response: Response) => [response.status, codeOf(await answerOf(response))];
const figures = ({ metrics }: FakeGateway) => metrics.metrics();

test('a reservation that nobody opens is over after a while, with what it has begun', async () => {
  const gateway = await startFakeGateway({ socketLimits: { initTimeoutMs: 1_000 } });
  const client = await reserve(gateway.url);
  assert.match(await figures(gateway), /^gateway_reserved_streams\{.*\} 1$/m);
  await client.start('s', TICKS);
  const upstream = await gateway.engine.nextUpstream();
  upstream.push('nobody reads it');
  await upstream.returned;
  assert.deepEqual(await outcome((await client.open()).response), [404, 'NOT_FOUND']);
  assert.match(await figures(gateway), /^gateway_reserved_streams\{.*\} 0$/m);
  assert.match(await figures(gateway), /^gateway_active_subscriptions\{transport="sse".*\} 0$/m);
  await gateway.close();
});

describe('an event stream of somebody', () => {
  test('is not for anybody else, nor for nobody, but for whoever opens it with its token alone', async () => {
    const gateway = await startWithSessions();
    const ada = tokenOf({ user: 'usr_ada' });
    const client = await reserve(gateway.url, ada);
    for (const other of [
      { user: 'usr_bob' },
      { user: 'usr_ada', session: 'ses_2' },
      { user: 'usr_ada', roles: ['ADMIN'] },
    ]) {
      const headers = tokenOf(other);
      assert.deepEqual(await outcome(await client.start('a', TICKS, { headers })), [403, 'FORBIDDEN']);
      assert.deepEqual(await outcome(await client.stop('a', headers)), [403, 'FORBIDDEN']);
      assert.deepEqual(await outcome((await client.open(headers)).response), [403, 'FORBIDDEN']);
    }
    const nobody = { headers: { 'x-graphql-event-stream-token': client.token } };
    const asNobody = (method: string, search: string) =>
      fetch(`${gateway.url}/graphql?${search}`, { method, ...nobody });
    const query = `query={hello}&extensions={"operationId":"a"}`;
    assert.deepEqual(await outcome(await asNobody('GET', query)), [401, 'UNAUTHENTICATED']);
    assert.deepEqual(await outcome(await asNobody('DELETE', 'operationId=a')), [401, 'UNAUTHENTICATED']);
    const stream = await client.open();
    assert.equal(stream.response.status, 200);
    await client.start('v', '{ viewer: header(name: "x-veza-viewer") }');
    assert.deepEqual((await stream.nextMessage())?.payload, { data: { viewer: 'usr_ada' } });
    stream.cancel();
    const free = await reserve(gateway.url);
    assert.deepEqual(await outcome(await free.start('a', TICKS, { headers: ada })), [403, 'FORBIDDEN']);
    await gateway.close();
  });

  test('ends with its session, opened or not, and says so to every operation', async () => {
    const gateway = await startWithSessions();
    const client = await reserve(gateway.url, tokenOf({ session: 'ses_gone' }));
    const stream = await client.open();
    const upstreams = [];
    for (const id of ['a', 'b']) {
      await client.start(id, TICKS);
      upstreams.push(await gateway.engine.nextUpstream());
    }
    const unopened = await reserve(gateway.url, tokenOf({ session: 'ses_gone' }));
    const other = await reserve(gateway.url, tokenOf({ session: 'ses_stays' }));
    gateway.revoke('ses_gone');
    for (const id of ['a', 'b']) {
      const failure = await stream.nextMessage();
      assert.equal(failure?.payload?.errors?.[0]?.extensions['code'], 'UNAUTHENTICATED');
      assert.deepEqual(await stream.nextMessage(), { event: 'complete', id });
    }
    assert.equal(await stream.nextMessage(), null);
    for (const { returned } of upstreams) await returned;
    assert.deepEqual(await outcome((await unopened.open()).response), [404, 'NOT_FOUND']);
    assert.equal((await other.open()).response.status, 200);
    await gateway.close();
  });

  test('ends with its token, unless a fresh one of the same session is seen meanwhile', async () => {
    const gateway = await startWithSessions();
    const expiresAtMs = Date.now() + 2_000;
    const brief = tokenOf({ expiresAtMs });
    const [ending, renewed] = [await reserve(gateway.url, brief), await reserve(gateway.url, brief)];
    const streams = [await ending.open(), await renewed.open()];
    await ending.start('a', TICKS);
    const upstream = await gateway.engine.nextUpstream();
    await renewed.start('b', TICKS);
    const lasting = await gateway.engine.nextUpstream();
    assert.equal((await renewed.stop('other', tokenOf({ expiresAtMs: expiresAtMs + 60_000 }))).status, 200);
    const failure = await streams[0]?.nextMessage();
    assert.ok(Date.now() >= expiresAtMs - 1);
    assert.equal(failure?.payload?.errors?.[0]?.extensions['code'], 'UNAUTHENTICATED');
    assert.equal((await streams[0]?.nextMessage())?.event, 'complete');
    assert.equal(await streams[0]?.nextMessage(), null);
    await upstream.returned;
    lasting.push('still here');
    assert.deepEqual((await streams[1]?.nextMessage())?.payload, { data: { ticks: 'still here' } });
    streams[1]?.cancel();
    await gateway.close();
  });
});

describe('a gateway that ends', () => {
  test('ends its streams without completing anything, so that the client of graphql-sse comes again', async () => {
    const [first, second] = [await startFakeGateway(), await startFakeGateway()];
    let url = `${first.url}/graphql`;
    const client = createClient({
      url: () => url,
      singleConnection: true,
      retry: async () => void (url = `${second.url}/graphql`),
    });
    const results = client.iterate<{ ticks: string }>({ query: TICKS });
    const one = results.next();
    const upstream = await first.engine.nextUpstream();
    upstream.push('one');
    assert.deepEqual((await one).value?.data, { ticks: 'one' });
    const two = results.next();
    await first.close();
    await upstream.returned;
    (await second.engine.nextUpstream()).push('two');
    assert.deepEqual((await two).value?.data, { ticks: 'two' });
    client.dispose();
    await second.close();
  });

  test('answers the queries and mutations that it has accepted, and takes no further one', async () => {
    const gateway = await startFakeGateway();
    const client = await reserve(gateway.url);
    const stream = await client.open();
    await client.start('s', TICKS);
    const upstream = await gateway.engine.nextUpstream();
    await client.start('q', '{ hanging }');
    await gateway.engine.nextHanging();
    const unopened = await reserve(gateway.url);
    await gateway.front.drain(0);
    assert.deepEqual(await outcome(await putReservation(gateway.url)), [503, 'SERVICE_UNAVAILABLE']);
    assert.deepEqual(await outcome(await client.start('late', TICKS)), [503, 'SERVICE_UNAVAILABLE']);
    assert.deepEqual(await outcome((await unopened.open()).response), [404, 'NOT_FOUND']);
    upstream.push('meanwhile');
    assert.deepEqual((await stream.nextMessage())?.payload, { data: { ticks: 'meanwhile' } });
    gateway.engine.answerHanging('in time');
    assert.deepEqual((await stream.nextMessage())?.payload, { data: { hanging: 'in time' } });
    assert.deepEqual(await stream.nextMessage(), { event: 'complete', id: 'q' });
    assert.equal(await stream.nextMessage(), null);
    await upstream.returned;
    await gateway.close();
  });
});

test('heartbeats keep a stream open that has nothing to say', async () => {
  const gateway = await startFakeGateway({ streamLimits: { heartbeatMs: { sse: 5, multipart: 5 } } });
  const stream = await (await reserve(gateway.url)).open();
  for (let at = 0; at < 4; at += 1) assert.equal(await stream.nextBlock(), ':');
  stream.cancel();
  await gateway.close();
});

test('what goes through a stream is counted as server-sent events, and has one line in the log', async () => {
  const { log, text } = recordingLog();
  const gateway = await startFakeGateway({ log, logRequests: 'all' });
  const client = await reserve(gateway.url);
  const stream = await client.open();
  const headers = { 'x-correlation-id': 'operation-1' };
  await client.start('s', 'subscription Live { ticks }', { headers });
  const upstream = await gateway.engine.nextUpstream();
  upstream.push('one');
  await stream.nextMessage();
  await client.start('q', '{ hello }');
  await stream.nextMessage();
  const shown = await figures(gateway);
  for (const line of [
    /^gateway_active_subscriptions\{transport="sse".*\} 1$/m,
    /^gateway_events_delivered_total\{transport="sse".*\} 1$/m,
    /^gateway_operations_total\{transport="sse".*\} 1$/m,
    /^gateway_http_requests_total\{method="PUT",status="201".*\} 1$/m,
    /^gateway_http_requests_total\{method="POST",status="202".*\} 2$/m,
  ])
    assert.match(shown, line);
  await client.stop('s');
  await upstream.returned;
  stream.cancel();
  await gateway.close();
  const lines = text()
    .split('\n')
    .filter((line) => line.includes('operation-1'));
  assert.equal(lines.length, 1, lines.join('\n'));
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  const { method, status, operation, operationName } = line;
  assert.deepEqual([method, status, operation, operationName], ['POST', 202, 'subscription', 'Live']);
  assert.ok(!text().includes(client.token), 'whoever reads the log could take part');
});

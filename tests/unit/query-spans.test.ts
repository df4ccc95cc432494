import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createOtlpTracing } from '#platform/tracing/otlp-tracing.ts';
import { withEndpointSpans } from '#platform/tracing/endpoint-spans.ts';
import {
  createProbe,
  messageEdited,
  silentLog,
  startEvents,
  type EventsUnderTest,
} from '../support/events.ts';
import { CHECKOUT } from '../support/platform-process.ts';
import { startOtlpCollector, type ReceivedSpan } from '../support/otlp-collector.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const positionOf = (flags: string) => `00-${TRACE}-b7ad6b7169203331-${flags}`;
const [CLIENT, CONSUMER] = [3, 5];
const FAILED = 2;

/** A database, and operations that are recorded where their caller says so. */
async function start() {
  const collector = await startOtlpCollector();
  const url = `${collector.url}/v1/traces`;
  const options = {
    url,
    service: 'test',
    sampler: 'parentbased_always_on',
    ratio: 1,
    log: silentLog,
  } as const;
  const tracing = createOtlpTracing(options);
  const under = await startEvents({ tracing });
  const operate = async (run: (under: EventsUnderTest) => Promise<unknown>, flags = '01') => {
    const execute = async () => {
      await run(under);
      return { data: {} };
    };
    const endpoint = withEndpointSpans({ execute, subscribe: execute }, 'notes', tracing);
    const headers = { traceparent: positionOf(flags) };
    await endpoint.execute({ query: 'query { notes }' }, { headers, signal: new AbortController().signal });
  };
  return {
    ...under,
    operate,
    /** Ends it; the spans are all that were recorded. */
    async spans() {
      await under[Symbol.asyncDispose]();
      await tracing.close();
      await collector.close();
      return collector.spans;
    },
  };
}

const one = (spans: readonly ReceivedSpan[], name: string) => {
  const [found, ...others] = spans.filter((span) => span.name === name);
  assert.ok(found && others.length === 0, `one ${name} among ${spans.map((span) => span.name).join(', ')}`);
  return found;
};

const documented = readFileSync(join(CHECKOUT, 'docs/observability.md'), 'utf8');
const requireDocumented = (spans: readonly ReceivedSpan[]) => {
  for (const name of new Set(spans.flatMap(({ attributes }) => Object.keys(attributes))))
    assert.ok(documented.includes(`\`${name}\``), name);
};

describe('queries of recorded work', () => {
  it('have spans below it, with what they do and to which database, and without their values', async () => {
    const { operate, database, url, spans } = await start();
    await database.fork().execute('create table note (id int primary key, author text)');
    await operate(async () => {
      const em = database.fork();
      await em.execute('insert into note (id, author) values (?, ?)', [1, 'private person']);
      await em.execute('select author from note where author = ?', ['private person']);
      await em
        .execute('insert into note (id, author) values (?, ?)', [1, 'private person'])
        .catch(() => null);
    });
    const recorded = await spans();
    const operation = one(recorded, 'query');
    const { hostname, pathname, port } = new URL(url);
    const server = {
      'db.system.name': 'postgresql',
      'db.namespace': pathname.slice(1),
      'server.address': hostname,
      ...(port !== '5432' && { 'server.port': Number(port) }),
    };
    const queries = recorded.filter(({ kind }) => kind === CLIENT);
    const insert = { ...server, 'db.operation.name': 'insert', 'db.query.summary': 'insert note' };
    const failure = { 'db.response.status_code': '23505', 'error.type': '23505' };
    assert.deepEqual(
      queries.map(({ name, attributes, status, parentSpanId }) => [
        name,
        attributes,
        status.code,
        parentSpanId,
      ]),
      [
        ['insert note', insert, 0, operation.spanId],
        [
          'select note',
          { ...server, 'db.operation.name': 'select', 'db.query.summary': 'select note' },
          0,
          operation.spanId,
        ],
        ['insert note', { ...insert, ...failure }, FAILED, operation.spanId],
      ],
    );
    assert.doesNotMatch(JSON.stringify(recorded), /private/);
    requireDocumented(recorded);
  });

  it('are told with what begins and ends their transaction', async () => {
    const { operate, events, spans } = await start();
    await operate(() =>
      events.transact((tx) => tx.savepoint(({ em }) => em.execute('select 1 from event_log'))),
    );
    const names = (await spans()).map(({ name }) => name);
    assert.deepEqual(names, ['begin', 'savepoint', 'select event_log', 'release', 'commit', 'query']);
  });

  it('have none where the trace is not recorded, or once it is over', async () => {
    const { operate, database, spans } = await start();
    const query = () => database.fork().execute('select 1 from event_log');
    await operate(query, '00');
    const later = Promise.withResolvers<void>();
    let leftBehind: Promise<unknown> = Promise.resolve();
    await operate(async () => {
      leftBehind = later.promise.then(query);
    });
    later.resolve();
    await leftBehind;
    await query();
    assert.deepEqual(
      (await spans()).map(({ name }) => name),
      ['query'],
    );
  });
});

describe('a reaction to an event of recorded work', () => {
  it('has a trace of its own, with a link to its cause', async () => {
    const { operate, events, database, spans } = await start();
    const seen = createProbe<string>();
    events.consume('reader', ['message.edited', 'message.deleted'], async (event, { em, append }) => {
      await em.execute('select 1 from event_stream');
      if (event.name === 'message.edited')
        await append({
          stream: 'room:2',
          name: 'message.deleted',
          payload: { roomId: 'room:2', messageId: 'msg_1', byModerator: false },
        });
      seen.add(event.name);
    });
    await events.start();
    await operate(() => events.transact(({ append }) => append(messageEdited('room:1', 1))));
    // Written by nobody whose work is recorded.
    await events.transact(({ append }) => append(messageEdited('room:3', 1)));
    await seen.atLeast(4);
    const logged = await database.fork().execute('select * from event_log');
    assert.doesNotMatch(JSON.stringify(logged), new RegExp(TRACE));
    const recorded = await spans();
    requireDocumented(recorded);
    const cause = one(recorded, 'query');
    const reaction = one(recorded, 'react message.edited');
    assert.equal(reaction.kind, CONSUMER);
    assert.notEqual(reaction.traceId, TRACE);
    assert.deepEqual(
      reaction.links.map(({ traceId, spanId }) => [traceId, spanId]),
      [[TRACE, cause.spanId]],
    );
    assert.deepEqual(reaction.attributes, { 'veza.event.name': 'message.edited', 'veza.consumer': 'reader' });
    // What it causes leads back to it, as does what it asks the database.
    const next = one(recorded, 'react message.deleted');
    assert.deepEqual(
      next.links.map(({ spanId }) => spanId),
      [reaction.spanId],
    );
    const query = recorded.filter(({ name }) => name === 'select event_stream');
    assert.deepEqual(
      query.map(({ parentSpanId, traceId }) => [parentSpanId, traceId]),
      [reaction, next].map(({ spanId, traceId }) => [spanId, traceId]),
    );
  });

  it('says when it failed', async () => {
    const { operate, events, spans } = await start();
    const seen = createProbe<string>();
    events.consume('reader', ['message.edited'], async ({ id }) => {
      seen.add(id);
      if (seen.values.length === 1) throw new Error('not yet');
    });
    await events.start();
    await operate(() => events.transact(({ append }) => append(messageEdited('room:1', 1))));
    await seen.atLeast(2);
    const reactions = (await spans()).filter(({ name }) => name === 'react message.edited');
    assert.deepEqual(
      reactions.map(({ status, attributes }) => [status.code, attributes['error.type']]),
      [
        [FAILED, 'INTERNAL_SERVER_ERROR'],
        [0, undefined],
      ],
    );
  });
});

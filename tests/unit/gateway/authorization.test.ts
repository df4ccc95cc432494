import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { z } from 'zod';
import { createLog, type Log } from '#platform/log.ts';
import { VIEWER_HEADER } from '#platform/viewer.ts';
import { createJwtAuth } from '../../../gateway/auth/jwt-auth.ts';
import { parseConfig } from '../../../gateway/config.ts';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import type { SubgraphClient } from '../../../gateway/engine/client/subgraph-client.ts';
import { serveTestGateway } from '../../support/federation/served-gateway.ts';
import { composeSupergraph, createTestEndpoint } from '../../support/federation/supergraph.ts';
import { CORRELATION_HEADER } from '../../../gateway/http/correlation.ts';
import { recordingLog, type RecordingLog } from '../../support/recording-log.ts';
import { openSocket } from '../../support/graphql-ws-client.ts';
import { post } from './fake-gateway.ts';
import { createTokenIssuer, type TokenClaims } from './tokens.ts';

const SECRET = 'a secret of thirty-two characters!';
const QUERY = { query: '{ open mine: own read(id: 1) paid }' };
const UNAUTHORIZED = 'UNAUTHORIZED_FIELD_OR_TYPE';

const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing) await close();
});

const SUBGRAPHS = {
  a: {
    typeDefs: `type Query { open: String own: String @authenticated
      read(id: ID): String @requiresScopes(scopes: [["read", "all"], ["admin"]]) paid: String @policy(policies: [["paid"]]) }
      type Subscription { posted: Post! } type Post { id: ID! secret: String @requiresScopes(scopes: [["read"]]) }`,
    resolvers: { Subscription: { posted: { subscribe: post1 } } },
    fieldResolver: (
      source: Record<string, unknown> | undefined,
      _args: unknown,
      _context: unknown,
      { fieldName }: { fieldName: string },
    ) => source?.[fieldName] ?? 'x',
  },
};

async function* post1() {
  yield { posted: { id: '1' } };
}

interface Settings {
  readonly yaml?: string;
  readonly fastPath?: 'on' | 'off';
  /** Waited for before a subgraph answers. */
  readonly hold?: (query: string) => Promise<void>;
  readonly log?: Log;
}

async function start({
  yaml = '',
  fastPath = 'on',
  hold = async () => undefined,
  log = createLog('gateway', 'silent'),
}: Settings = {}) {
  const issuer = await createTokenIssuer();
  const claims = parseConfig(yaml, 'test.yaml').authorization;
  const auth = createJwtAuth({ jwks: async () => issuer.jwks, secret: SECRET, claims, log });
  const connect = (): SubgraphClient => {
    const client = createInProcessClient(createTestEndpoint(SUBGRAPHS.a));
    const fetch: SubgraphClient['fetch'] = async (request) => {
      await hold(request.operation.query);
      return client.fetch(request);
    };
    return { ...client, fetch };
  };
  const served = await serveTestGateway({
    supergraphSdl: composeSupergraph(SUBGRAPHS),
    connect,
    yaml,
    auth,
    log,
    env: { FAST_PATH: fastPath },
  });
  closing.push(served.close, () => auth.close());
  const bearer = async (others: TokenClaims['others'] = {}) => ({
    authorization: `Bearer ${await issuer.sign({ others })}`,
  });
  return { served, bearer };
}

const pathsOf = ({ body }: Awaited<ReturnType<typeof post>>) =>
  body.errors?.map(({ path, extensions }) => {
    assert.equal(extensions['code'], UNAUTHORIZED);
    assert.match(String(extensions['correlationId']), /./);
    return path;
  });

for (const fastPath of ['on', 'off'] as const)
  describe(`a token, with the fast path ${fastPath},`, () => {
    test('opens what its scopes and policies say, and nothing else', async () => {
      const { served, bearer } = await start({ fastPath });
      const ask = async (headers?: Record<string, string>) => post(served, QUERY, headers);
      const expected = [
        [undefined, ['mine', 'read', 'paid']],
        [await bearer(), ['read', 'paid']],
        [await bearer({ scope: 'read' }), ['read', 'paid']],
        [await bearer({ scope: 'other all  read' }), ['paid']],
        [await bearer({ scope: ['admin'], policies: ['paid'] }), []],
        [await bearer({ scope: { admin: true }, policies: 7 }), ['read', 'paid']],
        [await bearer({ policies: 'unpaid paid' }), ['read']],
      ] as const;
      for (let round = 0; round < 2; round++)
        for (const [headers, withheld] of expected) {
          const answer = await ask(headers);
          assert.equal(answer.status, 200);
          const value = (name: (typeof withheld)[number]) =>
            withheld.some((one) => one === name) ? null : 'x';
          const data = { open: 'x', mine: value('mine'), read: value('read'), paid: value('paid') };
          assert.deepEqual(answer.body.data, data);
          assert.deepEqual(
            pathsOf(answer) ?? [],
            withheld.map((name) => [name]),
          );
        }
    });

    test('may name them in other claims', async () => {
      const yaml = 'authorization: { scopesClaim: permissions, policiesClaim: roles }';
      const { served, bearer } = await start({ fastPath, yaml });
      const headers = await bearer({ permissions: ['admin'], scope: '' });
      assert.deepEqual(pathsOf(await post(served, QUERY, headers)), [['paid']]);
    });

    test('counts for its own request alone, however many ask the same at the same time', async () => {
      const arrived = new Map<string, PromiseWithResolvers<void>>();
      const arrivalOf = (query: string) => {
        const known = arrived.get(query) ?? Promise.withResolvers<void>();
        arrived.set(query, known);
        return known;
      };
      // Each of them waits for the other one to be under way.
      const hold = async (query: string) => {
        arrivalOf(query).resolve();
        await arrivalOf(query.includes('own') ? '{open}' : '{open own}').promise;
      };
      // No subgraph cares who asks.
      const ignored = [VIEWER_HEADER, CORRELATION_HEADER, 'x-veza-deadline-ms', 'traceparent'].join(', ');
      const yaml = `subgraphs: { all: { dedup: { ignoreHeaders: [${ignored}] } } }`;
      const { served, bearer } = await start({ fastPath, yaml, hold });
      const query = { query: '{ open own }' };
      const answers = await Promise.all([post(served, query), post(served, query, await bearer())]);
      assert.deepEqual(
        answers.map(({ body }) => body.data),
        [
          { open: 'x', own: null },
          { open: 'x', own: 'x' },
        ],
      );
    });

    test('that grants too little is answered with 403 where the gateway is told to', async () => {
      const { served, bearer } = await start({
        fastPath,
        yaml: 'authorization: { rejectUnauthorized: true }',
      });
      for (const accept of ['application/graphql-response+json', 'application/json', '*/*']) {
        const refused = await post(served, QUERY, { accept, ...(await bearer({ scope: 'admin' })) });
        assert.equal(refused.status, 403);
        assert.equal('data' in refused.body, false);
        assert.deepEqual(pathsOf(refused), [['paid']]);
      }
      const whole = await bearer({ scope: 'admin', policies: 'paid' });
      assert.equal((await post(served, QUERY, whole)).body.errors, undefined);
    });
  });

describe('a socket', () => {
  const open = async (scope: string | null) => {
    const { served, bearer } = await start();
    const socket = await openSocket(served.url);
    closing.unshift(() => socket.close());
    const payload = scope === null ? {} : await bearer({ scope });
    socket.send({ type: 'connection_init', payload });
    assert.equal((await socket.next()).type, 'connection_ack');
    return { socket, bearer };
  };

  test('gets events without what its token does not open', async () => {
    for (const [scope, secret] of [
      [null, null],
      ['read', 'x'],
    ] as const) {
      const { socket } = await open(scope);
      socket.send({
        id: '1',
        type: 'subscribe',
        payload: { query: 'subscription { posted { id secret } }' },
      });
      const { data, errors = [] } = Object((await socket.next()).payload);
      assert.deepEqual(data, { posted: { id: '1', secret } });
      assert.equal(errors.length, secret === null ? 1 : 0);
    }
  });

  test('is closed for a token of the same session that opens something else', async () => {
    const { socket, bearer } = await open('read');
    socket.send({ type: 'ping', payload: await bearer({ scope: 'read' }) });
    assert.equal((await socket.next()).type, 'pong');
    socket.send({ type: 'ping', payload: await bearer({ scope: 'read more' }) });
    assert.equal((await socket.closed).code, 4403);
  });
});

test('an event stream is not for a token of the same session that opens something else', async () => {
  const { served, bearer } = await start();
  const at = `${served.url}/graphql`;
  const token = await (await fetch(at, { method: 'PUT', headers: await bearer({ scope: 'read' }) })).text();
  const stop = async (scope: string) => {
    const headers = { 'x-graphql-event-stream-token': token, ...(await bearer({ scope })) };
    return (await fetch(`${at}?operationId=1`, { method: 'DELETE', headers })).status;
  };
  assert.equal(await stop('read'), 200);
  assert.equal(await stop('read more'), 403);
  assert.equal(await stop('read'), 200);
});

describe('a gateway that verifies no tokens', () => {
  const OPEN = { a: { typeDefs: 'type Query { open: String }' } };
  const connection = { connect: () => createInProcessClient(createTestEndpoint(SUBGRAPHS.a)) };
  const warnings = ({ text }: RecordingLog) =>
    text()
      .split('\n')
      .filter((line) => line.includes('no JWKS_URL'))
      .map((line) =>
        z
          .object({ level: z.string(), guarded: z.number(), parts: z.array(z.string()) })
          .parse(JSON.parse(line)),
      );

  test('warns once, at the start and with every supergraph, of what nobody can see then', async () => {
    const recording = recordingLog();
    const guarded = composeSupergraph(SUBGRAPHS);
    const served = await serveTestGateway({ ...connection, supergraphSdl: guarded, log: recording.log });
    closing.push(served.close);
    const expected = {
      level: 'warn',
      guarded: 4,
      parts: ['Post.secret', 'Query.own', 'Query.paid', 'Query.read'],
    };
    assert.deepEqual(warnings(recording), [expected]);
    await post(served, QUERY);
    assert.equal(warnings(recording).length, 1);
    served.engine.swap(composeSupergraph(OPEN));
    assert.equal(warnings(recording).length, 1);
    served.engine.swap(guarded);
    assert.deepEqual(warnings(recording), [expected, expected]);
  });

  test('says nothing where everybody sees everything, be it that a requirement demands nothing', async () => {
    const recording = recordingLog();
    const typeDefs = 'type Query { open: String @requiresScopes(scopes: []) }';
    for (const subgraphs of [OPEN, { a: { typeDefs } }]) {
      const served = await serveTestGateway({
        ...connection,
        supergraphSdl: composeSupergraph(subgraphs),
        log: recording.log,
      });
      closing.push(served.close);
    }
    assert.deepEqual(warnings(recording), []);
  });

  test('with keys there is nothing to warn of', async () => {
    const recording = recordingLog();
    await start({ log: recording.log });
    assert.deepEqual(warnings(recording), []);
  });
});

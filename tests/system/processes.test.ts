import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually, platformClient } from '../support/platform-client.ts';
import { dataFolder } from '../support/platform-process.ts';
import { startPlatformProcesses, type PlatformProcesses } from '../support/platform-processes.ts';
import { skipWithout } from '../support/services.ts';
import { journey, signUp } from './journey.ts';

const skip = skipWithout('databaseUrl', 'redisUrl', 'natsUrl');

describe('the platform as seven processes on PostgreSQL, Redis and NATS', { skip }, () => {
  let platform: PlatformProcesses;
  before(async () => void (platform = await startPlatformProcesses()));
  after(() => platform.close());

  it('serves the whole journey of its users [S01 S08 F04 F12]', () => journey(platform.url));

  it('serves it again where the gateway polls every subscription, without a socket to any subgraph', async () => {
    const folder = await dataFolder();
    const config = join(folder.path, 'gateway.yaml');
    await writeFile(config, 'subgraphs: { all: { subscriptions: { upstream: polls } } }');
    await platform.end('gateway', 'SIGTERM');
    await platform.restart('gateway', { GATEWAY_CONFIG: config });
    await journey(platform.url);
    await folder.remove();
  });

  it('refuses a session on every process as soon as it has signed out [F02 X03]', async () => {
    const member = await signUp(platform.url, 'leaver');
    await member.data('mutation { logout { sessionId } }');
    await eventually(async () => {
      const { errors } = await member.run('{ viewer { id } }');
      assert.equal(errors?.[0].extensions.code, 'UNAUTHENTICATED');
    });
  });

  it('answers without the fields of a subgraph that is down, and with them once it is back [R09]', async () => {
    const member = await signUp(platform.url, 'patient');
    const query =
      'query ($id: ID) { user(id: $id) { handle products(first: 1) { nodes { id } } } shop: products(first: 1) { nodes { id } } }';
    await platform.end('commerce', 'SIGKILL');
    const { data, errors } = await member.run(query, { id: member.userId });
    assert.equal(data.user.handle, member.handle);
    assert.equal(data.user.products, null);
    assert.equal(data.shop, null);
    assert.deepEqual(
      new Set(errors?.map(({ extensions }) => extensions.code)),
      new Set(['SUBGRAPH_UNAVAILABLE']),
    );
    assert.deepEqual(errors?.map(({ path }) => path.join('.')).sort(), ['shop', 'user']);
    await platform.restart('commerce');
    await eventually(async () => {
      const answer = await member.run(query, { id: member.userId });
      assert.deepEqual(answer.data.user.products, { nodes: [] });
    });
  });

  it('delivers events to a consumer that was killed while they were published [E01 R09]', async () => {
    const member = await signUp(platform.url, 'publisher');
    await platform.end('analytics', 'SIGKILL');
    const name = `Room ${randomUUID()}`;
    const { createRoom } = await member.data(
      'mutation ($input: CreateRoomInput!) { createRoom(input: $input) { room { id } userErrors { message } } }',
      { input: { kind: 'CHANNEL', name, visibility: 'PUBLIC' } },
    );
    await platform.restart('analytics');
    await eventually(async () => {
      const { search } = await platformClient(platform.url).data(
        'query ($query: String!) { search(query: $query, first: 5) { edges { node { __typename ... on Room { id } } } } }',
        { query: name },
      );
      assert.equal(search.edges[0]?.node.id, createRoom.room.id);
    });
  });
});

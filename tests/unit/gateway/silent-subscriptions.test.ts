import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listen } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { createHttpClient } from '../../../gateway/engine/client/http.ts';
import { createWebSocketClient } from '../../../gateway/engine/client/websocket.ts';
import type { FrontSettings } from '../../../gateway/front.ts';
import { createGateway } from '../../../gateway/gateway.ts';
import { createSayings } from '../../support/federation/sayings.ts';
import { serveTestSubgraphs, type ServedSubgraphs } from '../../support/federation/served-subgraphs.ts';
import { startImpatientProxy } from '../../support/impatient-proxy.ts';
import { CLIENT_NAMES, createSubscribingClient } from '../../support/subscribing-clients.ts';

const PATIENCE_MS = 2_000;
/** Also how long a ping may take to be answered, by a process that does all of this at the same time. */
const BEAT_MS = 400;
const NEVER_MS = 600_000;
const SAID = 'subscription ($topic: ID!) { said(topic: $topic) { text } }';
const sayings = createSayings();

describe('a load balancer that cuts what is silent', { concurrency: true }, () => {
  let subgraphs: ServedSubgraphs;
  before(async () => {
    subgraphs = await serveTestSubgraphs(sayings.subgraphs);
  });
  after(() => subgraphs.close());

  for (const name of CLIENT_NAMES) {
    test(`leaves a subscription alone that has no events for long: ${name}`, async () => {
      const { client, proxy, close } = await connect(subgraphs, BEAT_MS);
      const listening = client(name).listen(SAID, { topic: name });
      await sayings.untilHeardBy(name, 1);
      const { connections } = proxy;
      // Twice its patience, at the least.
      await proxy.untilHeard((2 * PATIENCE_MS) / BEAT_MS);
      sayings.say(name, 'at last');
      const signal = await listening.next();
      assert.match(JSON.stringify(signal), /^\{"kind":"event".*"at last"/);
      assert.equal(proxy.connections, connections, 'it was the first connection still');
      listening.stop();
      await sayings.untilHeardBy(name, 0);
      await close();
    });

    test(`would not without heartbeats, and its client is told: ${name}`, async () => {
      const { client, proxy, close } = await connect(subgraphs, NEVER_MS);
      const listening = client(name).listen(SAID, { topic: `cut ${name}` });
      await sayings.untilHeardBy(`cut ${name}`, 1);
      assert.equal((await listening.next()).kind, 'failed');
      assert.ok(proxy.cut > 0);
      await sayings.untilHeardBy(`cut ${name}`, 0);
      await close();
    });
  }
});

/** A gateway that says something every so often, behind the load balancer. */
async function connect(subgraphs: ServedSubgraphs, everyMs: number) {
  const log = createLog('gateway', 'silent');
  const beats: Pick<FrontSettings, 'streamLimits' | 'socketLimits'> = {
    streamLimits: { heartbeatMs: { sse: everyMs, multipart: everyMs } },
    socketLimits: { keepAliveMs: everyMs, sweepMs: 50 },
  };
  const gateway = await createGateway({
    supergraphSdl: subgraphs.supergraphSdl,
    clients(name) {
      const url = subgraphs.urlOf(name);
      return createHttpClient({ name, url, subscriptions: createWebSocketClient({ name, url }) });
    },
    ...{ auth: null, log, metrics: null },
    ...beats,
  });
  const { routes, upgrades } = gateway;
  const listener = await listen({ host: '127.0.0.1', port: 0, routes, upgrades, log });
  const proxy = await startImpatientProxy(listener.port, PATIENCE_MS);
  const clients: { dispose(): void }[] = [];
  return {
    proxy,
    client(name: (typeof CLIENT_NAMES)[number]) {
      const created = createSubscribingClient(name, `http://127.0.0.1:${proxy.port}/graphql`);
      clients.push(created);
      return created;
    },
    async close() {
      for (const each of clients) each.dispose();
      await gateway.drain(0);
      await listener.close(0);
      await proxy.close();
      await gateway.close();
    },
  };
}

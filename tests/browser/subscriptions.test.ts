import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { subscribingClientContract } from '../contract/subscribing-client.contract.ts';
import { createSayings } from '../support/federation/sayings.ts';
import {
  serveTestSubgraphs,
  startGatewayProcess,
  type ServedSubgraphs,
} from '../support/federation/served-subgraphs.ts';
import type { PlatformProcess } from '../support/platform-process.ts';
import { CLIENT_NAMES, type SubscribingClient } from '../support/subscribing-clients.ts';
import { requireChromium } from '../support/system-packages.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { openSubscriptionBrowser, type SubscriptionBrowser } from './subscription-browser.ts';

const program = await requireChromium();
const skip = 'missing' in program ? program.missing : false;
const SAID = 'subscription ($topic: ID!) { said(topic: $topic) { cursor text } }';

describe('a page of another origin, in Chromium', { skip }, () => {
  const sayings = createSayings();
  let subgraphs: ServedSubgraphs;
  let gateway: PlatformProcess;
  let browser: SubscriptionBrowser;
  before(async () => {
    if ('missing' in program) return;
    browser = await openSubscriptionBrowser(program.executablePath);
    subgraphs = await serveTestSubgraphs(sayings.subgraphs);
    gateway = await startGatewayProcess(subgraphs, [], { CORS_ORIGINS: browser.origin });
  });
  after(async () => {
    await browser?.close();
    if (gateway) assert.equal(await gateway.end('SIGTERM'), 0, gateway.output());
    await subgraphs?.close();
  });

  for (const name of CLIENT_NAMES)
    describe(`with ${name}`, () => {
      let client: SubscribingClient;
      before(() => {
        client = browser.client(name, `${gateway.url}/graphql`);
      });
      after(() => client?.dispose());
      const seesRefusals = name !== 'graphql-sse over a single connection';
      subscribingClientContract({ sayings, client: () => client, name, seesRefusals });
    });

  test('runs more subscriptions over a single connection than a browser has connections', async () => {
    const client = browser.client('graphql-sse over a single connection', `${gateway.url}/graphql`);
    const topics = Array.from({ length: 12 }, (_, at) => `many ${at}`);
    const listenings = topics.map((topic) => client.listen(SAID, { topic }));
    for (const topic of topics) await sayings.untilHeardBy(topic, 1);
    for (const topic of topics) sayings.say(topic, `to ${topic}`);
    for (const [at, listening] of listenings.entries())
      assert.match(JSON.stringify(await listening.next()), new RegExp(`"to many ${at}"`));
    const mutation = client.listen('mutation { say(topic: "many 0", text: "by way of the stream") }');
    assert.deepEqual(await mutation.next(), { kind: 'event', data: { say: 2 }, codes: [] });
    assert.deepEqual(await mutation.next(), { kind: 'complete' });
    assert.match(JSON.stringify(await listenings[0]?.next()), /"by way of the stream"/);
    client.dispose();
    for (const topic of topics) await sayings.untilHeardBy(topic, 0);
  });

  test('goes on behind the last event with an EventSource whose connection was lost', async () => {
    const proxy = await startTcpProxy('127.0.0.1', Number(new URL(gateway.url).port));
    const topic = 'resumed';
    const query = `subscription { said(topic: "${topic}", after: "0") { cursor text } }`;
    const address = `http://127.0.0.1:${proxy.port}/graphql?query=${encodeURIComponent(query)}`;
    const said = (at: number) => ({
      event: 'next',
      id: String(at),
      data: { data: { said: { cursor: String(at), text: `text ${at}` } } },
    });
    sayings.say(topic, 'text 1');
    const source = browser.watch(address);
    assert.deepEqual(await source.next(), said(1));
    sayings.say(topic, 'text 2');
    assert.deepEqual(await source.next(), said(2));
    proxy.block();
    await sayings.untilHeardBy(topic, 0);
    sayings.say(topic, 'text 3');
    proxy.open();
    assert.deepEqual(await source.next(), said(3), 'what was missed, and nothing twice');
    sayings.say(topic, 'text 4');
    assert.deepEqual(await source.next(), said(4));
    sayings.end(topic);
    assert.deepEqual(await source.next(), { event: 'complete', id: '4', data: null });
    await source.close();
    await proxy.close();
  });

  test('reserves a stream for an EventSource, which names it in its address', async () => {
    const address = `${gateway.url}/graphql`;
    const topic = 'reserved';
    const token = await browser.page.evaluate(
      async (url) => (await fetch(url, { method: 'PUT' })).text(),
      address,
    );
    const source = browser.watch(`${address}?token=${token}`);
    const run = (id: string, query: string) =>
      browser.page.evaluate(
        async ([url, given, body]) => {
          const headers = { 'content-type': 'application/json', 'x-graphql-event-stream-token': given };
          return (await fetch(url, { method: 'POST', headers, body })).status;
        },
        [address, token, JSON.stringify({ query, extensions: { operationId: id } })] as const,
      );
    assert.equal(await run('s', `subscription { said(topic: "${topic}") { text } }`), 202);
    await sayings.untilHeardBy(topic, 1);
    sayings.say(topic, 'one');
    const payload = { data: { said: { text: 'one' } } };
    assert.deepEqual(await source.next(), { event: 'next', id: '', data: { id: 's', payload } });
    const status = await browser.page.evaluate(
      async ([url, given]) => {
        const headers = { 'x-graphql-event-stream-token': given };
        return (await fetch(`${url}?operationId=s`, { method: 'DELETE', headers })).status;
      },
      [address, token] as const,
    );
    assert.equal(status, 200);
    await sayings.untilHeardBy(topic, 0);
    assert.equal(await run('last', `subscription { said(topic: "${topic}") { text } }`), 202);
    await sayings.untilHeardBy(topic, 1);
    await source.close();
    await sayings.untilHeardBy(topic, 0);
  });
});

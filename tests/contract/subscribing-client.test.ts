import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { createSayings } from '../support/federation/sayings.ts';
import {
  serveTestSubgraphs,
  startGatewayProcess,
  type ServedSubgraphs,
} from '../support/federation/served-subgraphs.ts';
import type { PlatformProcess } from '../support/platform-process.ts';
import {
  CLIENT_NAMES,
  createSubscribingClient,
  type SubscribingClient,
} from '../support/subscribing-clients.ts';
import { subscribingClientContract } from './subscribing-client.contract.ts';

const sayings = createSayings();
let subgraphs: ServedSubgraphs;
let gateway: PlatformProcess;
before(async () => {
  subgraphs = await serveTestSubgraphs(sayings.subgraphs);
  gateway = await startGatewayProcess(subgraphs);
});
after(async () => {
  assert.equal(await gateway.end('SIGTERM'), 0, gateway.output());
  await subgraphs.close();
});

for (const name of CLIENT_NAMES)
  describe(`a client of a gateway process over subgraph listeners: ${name}`, () => {
    let client: SubscribingClient;
    before(() => {
      client = createSubscribingClient(name, `${gateway.url}/graphql`);
    });
    after(() => client.dispose());
    const seesRefusals = name !== 'graphql-sse over a single connection';
    subscribingClientContract({ sayings, client: () => client, name, seesRefusals });
  });

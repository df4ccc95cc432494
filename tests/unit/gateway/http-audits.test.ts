import { after, before, describe, test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';

// Not every deviation is a fault of the gateway's, but each must be chosen: there is none today.
describe('the audits of the GraphQL-over-HTTP working group', () => audit(true));
describe('the same audits, everything through Apollo Server', () => audit(false));

function audit(fastPath: boolean): void {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway({ fastPath });
  });
  after(() => gateway.close());

  for (const { id, name, fn } of serverAudits({ url: () => `${gateway.url}/graphql` }))
    test(`${id} ${name}`, async () => {
      const result = await fn();
      if (result.status !== 'ok') throw new Error(result.reason);
    });
}

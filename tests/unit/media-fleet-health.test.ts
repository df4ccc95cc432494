import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { it, type TestContext } from 'node:test';
import { createMediaFleet } from '../../subgraphs/stream/service/media-fleet.ts';
import { noMediaServers } from '../../subgraphs/stream/service/media-http.ts';

/** A media server that answers as it is told, and what it would say of itself. */
async function startServer(context: TestContext, serverId: string, status: number) {
  const state = { status, asked: 0 };
  const server = createServer((request, response) => {
    if (request.url === '/media/abilities') return void response.end('{"canMix":true}');
    state.asked++;
    response.writeHead(state.status).end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  context.after(() => server.close().closeAllConnections());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const beat = (publicUrl: string) => ({
    serverId,
    available: true,
    address: { internalUrl: `http://127.0.0.1:${port}`, publicUrl },
    load: 0,
    rooms: [],
  });
  return { state, beat };
}

it('a media server that does not answer is asked after all others, until it is heard again', async (context) => {
  const [idle, busy] = [await startServer(context, 'idle', 503), await startServer(context, 'busy', 200)];
  const fleet = createMediaFleet(noMediaServers);
  const urlOf = async () => {
    const location = await fleet.locate('liv_a');
    return location.available && location.url;
  };
  fleet.hear(idle.beat('ws://idle/media'));
  fleet.hear({ ...busy.beat('ws://busy/media'), load: 0.5 });
  assert.equal(await urlOf(), 'ws://busy/media');
  // With another address, what it answered before is not known any more.
  fleet.hear(idle.beat('ws://idle/again'));
  assert.equal(await urlOf(), 'ws://busy/media');
  assert.equal(idle.state.asked, 2);
  assert.equal(await urlOf(), 'ws://busy/media');
  assert.equal(idle.state.asked, 2);
  idle.state.status = 200;
  fleet.hear(idle.beat('ws://idle/at-last'));
  assert.equal(await urlOf(), 'ws://idle/at-last');
});

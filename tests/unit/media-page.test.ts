import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listen, type HttpListener } from '#platform/http.ts';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { createLivePage } from '../../media-server/page/live-page.ts';

describe('The live-room page', () => {
  let listener: HttpListener;
  let origin: string;
  before(async () => {
    const routes = createLivePage({ graphqlPath: '/graphql' });
    const log = createLog('test', 'silent');
    listener = await listen({ host: '127.0.0.1', port: 0, routes, log });
    origin = `http://127.0.0.1:${listener.port}`;
  });
  after(() => listener.close(0));

  test('names its room and loads nothing from elsewhere', async () => {
    const liveRoomId = newId('LiveRoom');
    const response = await fetch(`${origin}/live/${liveRoomId}`);
    const html = await response.text();
    assert.equal(response.status, 200);
    assert.match(html, new RegExp(`data-live-room-id="${liveRoomId}"`));
    assert.doesNotMatch(html, /https?:\/\//);
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
  });

  test('is not there for what is no id of a live room', async () => {
    for (const path of ['', 'x', newId('Track'), '"><script>', '..%2f..%2fetc'])
      assert.equal((await fetch(`${origin}/live/${path}`)).status, 404, path);
  });

  test('brings its script and styles, and does not send them again while they are the same', async () => {
    for (const [path, type] of [
      ['live.js', 'text/javascript'],
      ['live.css', 'text/css'],
    ]) {
      const first = await fetch(`${origin}/live/assets/${path}`);
      assert.equal(first.status, 200);
      assert.match(first.headers.get('content-type') ?? '', new RegExp(`^${type}`));
      assert.ok((await first.arrayBuffer()).byteLength > 500);
      const again = await fetch(`${origin}/live/assets/${path}`, {
        headers: { 'if-none-match': first.headers.get('etag') ?? '' },
      });
      assert.equal(again.status, 304);
    }
  });

  test('sends its script compressed to whoever takes it so', async () => {
    const lengthFor = async (coding: string) => {
      const response = await fetch(`${origin}/live/assets/live.js`, {
        headers: { 'accept-encoding': coding },
      });
      assert.equal(response.headers.get('content-encoding'), coding === 'gzip;q=0.5' ? 'gzip' : null, coding);
      assert.equal(response.headers.get('vary'), 'accept-encoding');
      // Decoded by the client.
      return [(await response.text()).length, Number(response.headers.get('content-length'))] as const;
    };
    const [[plain, sent], [decoded, compressed]] = [
      await lengthFor('gzip;q=0, br'),
      await lengthFor('gzip;q=0.5'),
    ];
    assert.equal(decoded, plain);
    assert.ok(compressed < sent / 3, `${compressed} of ${sent} bytes`);
  });

  test('brings the player of broadcasts only when it is asked for', async () => {
    const script = await (await fetch(`${origin}/live/assets/live.js`)).text();
    const [, chunk] = /import\("\.\/([\w-]+\.js)"\)/.exec(script) ?? [];
    assert.doesNotMatch(script, /EXTM3U/);
    assert.match(await (await fetch(`${origin}/live/assets/${chunk}`)).text(), /EXTM3U/);
    assert.equal((await fetch(`${origin}/live/assets/chunk-none.js`)).status, 404);
  });
});

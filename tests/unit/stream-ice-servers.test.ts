import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { iceServers } from '../../subgraphs/stream/service/ice-servers.ts';

const TURN = { urls: ['turn:turn.example:3478?transport=udp'], secret: 'a turn secret' };
const NOW = new Date('2026-10-14T11:46:40.789Z');

describe('TURN credentials (draft-uberti-behave-turn-rest-00)', () => {
  it('name their end and the user, and are the HMAC-SHA-1 of that name', () => {
    // printf '1792000000:u_42' | openssl dgst -sha1 -hmac 'a turn secret' -binary | base64
    const credential = 'KQMN1O9UjYkVaW0xCK+cgSPcoFY=';
    assert.deepEqual(iceServers(TURN, 'u_42', NOW), [
      { urls: TURN.urls, username: '1792000000:u_42', credential },
    ]);
  });

  it('end six hours later, in whole seconds', () => {
    const [server] = iceServers(TURN, 'u_42', NOW);
    const endMs = Number(server?.username?.split(':')[0]) * 1_000;
    assert.equal(endMs, Date.parse('2026-10-14T17:46:40Z'));
  });

  it('are not made where there is no TURN server', () => assert.deepEqual(iceServers(null, 'u_42', NOW), []));
});

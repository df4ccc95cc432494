import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { memorySingleUse } from '#platform/single-use.ts';
import { signMediaGrant } from '#platform/media-grant.ts';
import { CLOSE_CODES, isWorthReconnecting } from '#schema/signalling.ts';
import { grantFor, SECRET, skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';
import type { SignallingClient } from './signalling-client.ts';

describe('A grant for live audio', { skip: skipWithoutWorker }, () => {
  // Two media servers with one memory of what was used, as those have that share a Redis.
  const usedGrants = memorySingleUse();
  let here: MediaKit;
  let there: MediaKit;
  before(async () => {
    here = await startMedia({ usedGrants });
    there = await startMedia({ usedGrants });
  });
  after(async () => {
    await here.close();
    await there.close();
  });

  const refusal = async (client: SignallingClient, token: string) => {
    await assert.rejects(client.request('authenticate', { token }));
    return (await client.closed).code;
  };

  test('lets one socket in: a second one with it is refused, and the first one stays', async () => {
    const token = signMediaGrant(grantFor(), SECRET);
    const first = here.connect();
    await first.request('authenticate', { token });
    assert.equal(await refusal(here.connect(), token), CLOSE_CODES.GRANT_USED);
    await first.request('ping', {});
  });

  test('is used up after its socket has gone, on every media server; a new one for the same participant is not', async () => {
    const claims = grantFor();
    const token = signMediaGrant(claims, SECRET);
    const first = here.connect();
    await first.request('authenticate', { token });
    await first.close();
    assert.equal(await refusal(here.connect(), token), CLOSE_CODES.GRANT_USED);
    assert.equal(await refusal(there.connect(), token), CLOSE_CODES.GRANT_USED);
    assert.ok(isWorthReconnecting(CLOSE_CODES.GRANT_USED));
    const next = signMediaGrant(claims, SECRET);
    assert.equal(
      (await there.connect().request('authenticate', { token: next })).participantId,
      claims.participantId,
    );
  });

  test('lets in exactly one of many sockets that show it in the same moment', async () => {
    const token = signMediaGrant(grantFor(), SECRET);
    const attempts = Array.from({ length: 12 }, (_, index) =>
      (index % 2 ? here : there).connect().request('authenticate', { token }),
    );
    const outcomes = await Promise.allSettled(attempts);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  });
});

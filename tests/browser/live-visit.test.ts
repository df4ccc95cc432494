import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { eventually } from '../support/platform-client.ts';
import type { Member } from '../system/journey.ts';
import { connected, HEARD, levelOf, PATIENCE_MS, staysSilent } from './live-page-driver.ts';
import { createRoom, hasHands, missing, openStage, participantOf, type StageKit } from './live-people.ts';

const EVENTS = `subscription ($id: ID!, $after: EventCursor) {
  liveRoomEvents(liveRoomId: $id, after: $after) { __typename }
}`;

describe('a visit to a live room', { skip: missing ?? false, timeout: 6 * PATIENCE_MS }, () => {
  let stage: StageKit;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.close());

  const cursorOf = async (member: Member, id: string): Promise<string> =>
    (await member.data('query ($id: ID!) { liveRoom(id: $id) { eventCursor } }', { id })).liveRoom
      .eventCursor;

  /** What the room's log has from that position up to the first event of that kind. */
  const logged = async (member: Member, id: string, after: string, last: string): Promise<string[]> => {
    const events = await member.subscribe(EVENTS, { id, after });
    const names: string[] = [];
    while (names.at(-1) !== last) names.push((await events.next()).liveRoomEvents.__typename);
    await events.close();
    return names;
  };

  it('goes on when the page is loaded again: nobody was told of anything, and the hand is still up', async () => {
    const [host, ben] = await Promise.all([stage.signUp('host'), stage.signUp('ben')]);
    const liveRoomId = await createRoom(host);
    const hosting = await stage.enter(liveRoomId, host);
    const page = await stage.enter(liveRoomId, ben);
    await page.getByRole('button', { name: 'Raise my hand' }).click();
    await hasHands(hosting, [ben.handle]);
    const participant = await participantOf(ben, liveRoomId);
    const cursor = await cursorOf(ben, liveRoomId);
    await page.reload();
    await connected(page);
    await hasHands(page, [`${ben.handle} (you)`]);
    assert.deepEqual(await participantOf(ben, liveRoomId), participant);
    await hasHands(hosting, [ben.handle]);
    await levelOf(page, await participantOf(host, liveRoomId), (level) => level > HEARD);
    await page.getByRole('button', { name: 'Lower my hand' }).click();
    assert.deepEqual(await logged(ben, liveRoomId, cursor, 'HandChanged'), ['HandChanged']);
  });

  it('keeps the microphone as its owner left it, and is over for whoever has left', async () => {
    const [host, ben] = await Promise.all([stage.signUp('host'), stage.signUp('ben')]);
    const liveRoomId = await createRoom(host);
    const hosting = await stage.enter(liveRoomId, host);
    const listening = await stage.enter(liveRoomId, ben);
    const seen = await participantOf(host, liveRoomId);
    await levelOf(listening, seen, (level) => level > HEARD);
    await hosting.reload();
    await connected(hosting);
    await levelOf(listening, seen, (level) => level > HEARD);
    await hosting.getByRole('button', { name: 'Mute my microphone' }).click();
    await hosting.reload();
    await connected(hosting);
    await hosting.getByRole('button', { name: 'Turn my microphone on' }).waitFor();
    await staysSilent(listening, seen);
    await hosting.getByRole('button', { name: 'Turn my microphone on' }).click();
    await levelOf(listening, seen, (level) => level > HEARD);
    const cursor = await cursorOf(ben, liveRoomId);
    await listening.getByRole('button', { name: 'Leave' }).click();
    await listening.reload();
    await listening.getByRole('button', { name: 'Join the room' }).waitFor();
    assert.deepEqual(await logged(host, liveRoomId, cursor, 'ParticipantLeft'), ['ParticipantLeft']);
  });

  it('to a room that is full is one to its broadcast, until there is a place', async () => {
    const [host, ben, cleo] = await Promise.all([
      stage.signUp('host'),
      stage.signUp('ben'),
      stage.signUp('cleo'),
    ]);
    const liveRoomId = await createRoom(host, { capacity: 2 });
    await stage.enter(liveRoomId, host);
    const bens = await stage.enter(liveRoomId, ben);
    const page = await stage.open(liveRoomId);
    await page.getByLabel('E-mail').fill(`${cleo.handle}@example.org`);
    await page.getByLabel('Password').fill('a good password');
    await page.getByRole('button', { name: 'Sign in and join' }).click();
    await page.getByRole('heading', { name: 'The room is full' }).waitFor();
    await page.getByRole('button', { name: 'Listen to the broadcast' }).click();
    await page.getByText('You hear the broadcast, a moment late.').waitFor();
    await page.getByText(/^\d\.\d seconds behind the live edge$/).waitFor();
    await playsSound(page);
    await bens.getByRole('button', { name: 'Leave' }).click();
    // That somebody has left is told by an event.
    await eventually(async () => {
      const { liveRoom } = await cleo.data('query ($id: ID!) { liveRoom(id: $id) { listenerCount } }', {
        id: liveRoomId,
      });
      assert.equal(liveRoom.listenerCount, 0);
    });
    await page.getByRole('button', { name: 'Try to join again' }).click();
    await connected(page);
    assert.equal(await page.locator('#player').evaluate((audio) => audio.getAttribute('src')), null);
    await levelOf(page, await participantOf(host, liveRoomId), (level) => level > HEARD);
  });
});

/** Waits until something is heard of the page's player. */
const playsSound = (page: Page): Promise<void> =>
  page.evaluate(async (heard) => {
    const player = document.querySelector<HTMLAudioElement>('#player');
    if (!player) throw new Error('there is no player');
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    const source = context.createMediaElementSource(player);
    source.connect(analyser).connect(context.destination);
    const samples = new Float32Array(analyser.fftSize);
    for (let level = 0; level < heard;) {
      await new Promise((resolve) => {
        requestAnimationFrame(resolve);
      });
      analyser.getFloatTimeDomainData(samples);
      level = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    }
  }, HEARD);

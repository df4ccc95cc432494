import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import type { Member } from '../system/journey.ts';
import { connected, PATIENCE_MS, status } from './live-page-driver.ts';
import { choose, createRoom, missing, openStage, type StageKit } from './live-people.ts';
import { contrastsBelow, focusIs, outOfReach, overflowing, tabTo } from './page-access.ts';

const PHONE = { width: 360, height: 740 };
const MIN_CONTRAST = 4.5;
const MIN_TARGET_PX = 44;
const PEOPLE_PER_PAGE = 20;

describe('whoever is banned from a live room', { skip: missing ?? false, timeout: 6 * PATIENCE_MS }, () => {
  let stage: StageKit;
  let host: Member;
  let ben: Member;
  let cleo: Member;
  let liveRoomId: string;
  let hosting: Page;
  let bens: Page;
  let cleos: Page;
  before(async () => {
    stage = await openStage();
    [host, ben, cleo] = await Promise.all([stage.signUp('host'), stage.signUp('ben'), stage.signUp('cleo')]);
    liveRoomId = await createRoom(host, { title: 'House rules' });
    hosting = await stage.enter(liveRoomId, host, { viewport: PHONE });
    bens = await stage.enter(liveRoomId, ben);
    cleos = await stage.enter(liveRoomId, cleo);
  });
  after(() => stage.close());

  const banned = (page: Page) => page.getByRole('region', { name: 'Banned people' });
  const ban = async (page: Page, member: Member): Promise<void> => {
    await choose(page, member, 'Ban from the room');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Ban', exact: true }).click();
  };
  /** By the platform alone: they never get to the room. */
  const banUnseen = async (member: Member): Promise<void> => {
    const { joinLiveRoom } = await member.data(
      'mutation ($id: ID!) { joinLiveRoom(id: $id) { ... on LiveJoin { participant { id } } } }',
      { id: liveRoomId },
    );
    const { removeParticipant } = await host.data(
      `mutation ($id: ID!, $participantId: ID!) {
        removeParticipant(liveRoomId: $id, participantId: $participantId, ban: true) { userErrors { message } }
      }`,
      { id: liveRoomId, participantId: joinLiveRoom.participant.id },
    );
    assert.deepEqual(removeParticipant.userErrors, []);
  };
  const comesBack = async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: 'Join again' }).click();
    await connected(page);
  };

  it('stays out, and is seen by those who moderate, who are told before that it can be undone', async () => {
    await choose(hosting, ben, 'Ban from the room');
    const question = hosting.getByRole('alertdialog', { name: `Ban ${ben.handle}?` });
    await question.getByText('cannot come back unless they are unbanned, under Banned people').waitFor();
    await question.getByRole('button', { name: 'Ban', exact: true }).click();
    await status(bens, 'closed').filter({ hasText: 'A moderator has removed you' }).waitFor();
    await bens.getByRole('button', { name: 'Join again' }).click();
    await status(bens, 'closed').filter({ hasText: 'You cannot join this room.' }).waitFor();
    await banned(hosting).getByText(ben.handle).waitFor();
    assert.equal(await banned(cleos).isVisible(), false);
  });

  it('is let in again by keyboard alone and on a phone, after which there is nothing to be seen of bans', async () => {
    assert.deepEqual(await overflowing(hosting), []);
    assert.deepEqual(await outOfReach(hosting, MIN_TARGET_PX), []);
    assert.deepEqual(await contrastsBelow(hosting, MIN_CONTRAST), []);
    await tabTo(hosting, `Unban ${ben.handle}`);
    await hosting.keyboard.press('Enter');
    await hosting
      .getByRole('status')
      .filter({ hasText: `${ben.handle} can come back.` })
      .waitFor();
    await banned(hosting).waitFor({ state: 'hidden' });
    // What had the focus is gone with its list.
    await focusIs(hosting, 'House rules');
    await comesBack(bens);
    await hosting.locator('#listeners').getByText(ben.handle).waitFor();
  });

  it('is let in by moderators, too, but a moderator by the host alone', async () => {
    await choose(hosting, cleo, 'Make a moderator');
    await cleos.getByRole('group', { name: 'Moderation' }).waitFor();
    await ban(cleos, ben);
    await banned(hosting).getByText(ben.handle).waitFor();
    await choose(hosting, cleo, 'Move to the listeners');
    await banned(cleos).waitFor({ state: 'hidden' });
    await choose(hosting, cleo, 'Make a moderator');
    await cleos.getByRole('button', { name: `Unban ${ben.handle}` }).click();
    // Both pages learn of it by the room's log.
    await banned(hosting).waitFor({ state: 'hidden' });
    await comesBack(bens);
    await choose(hosting, ben, 'Make a moderator');
    await bens.getByRole('group', { name: 'Moderation' }).waitFor();
    await ban(hosting, ben);
    await banned(cleos).getByText('Only the host can unban them.').waitFor();
    assert.equal(
      await banned(cleos)
        .getByRole('button', { name: `Unban ${ben.handle}` })
        .isVisible(),
      false,
    );
    await hosting.getByRole('button', { name: `Unban ${ben.handle}` }).click();
    await comesBack(bens);
    // As a listener, whatever they were.
    await bens.getByRole('button', { name: 'Raise my hand' }).waitFor();
  });

  it('is found by name among more than a page of them, by keyboard too', async () => {
    const rows = banned(hosting).getByRole('listitem');
    // On their way in, so nobody is told: the page hears of the last ban.
    for (let count = 0; count < PEOPLE_PER_PAGE; count++) await banUnseen(await stage.signUp('dan'));
    await ban(hosting, ben);
    await rows.getByText(ben.handle).waitFor();
    assert.equal(await rows.count(), PEOPLE_PER_PAGE);
    assert.deepEqual(await overflowing(hosting), []);
    assert.deepEqual(await outOfReach(hosting, MIN_TARGET_PX), []);
    await tabTo(hosting, 'Show more banned people');
    await hosting.keyboard.press('Enter');
    await rows.nth(PEOPLE_PER_PAGE).waitFor();
    await tabTo(hosting, 'Name or handle of somebody banned');
    await hosting.keyboard.type(ben.handle.toUpperCase());
    await hosting.keyboard.press('Enter');
    await rows.nth(1).waitFor({ state: 'detached' });
    await tabTo(hosting, `Unban ${ben.handle}`);
    await hosting.keyboard.press('Enter');
    await banned(hosting).getByText('Nobody who is banned is called that.').waitFor();
    await focusIs(hosting, 'Banned people');
    await comesBack(bens);
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import type { Member } from '../system/journey.ts';
import { connected, PATIENCE_MS, status } from './live-page-driver.ts';
import {
  createChannel,
  createRoom,
  credentialsOf,
  hasHands,
  missing,
  openStage,
  type StageKit,
} from './live-people.ts';
import { contrastsBelow, focusIs, outOfReach, overflowing, tabTo } from './page-access.ts';

const PHONE = { width: 360, height: 740 };
const MIN_CONTRAST = 4.5;
/** WCAG 2.2, 2.5.8 asks for 24; fingers for more. */
const MIN_TARGET_PX = 44;
const UNBROKEN = 'Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüsselanhänger';

describe('a live room', { skip: missing ?? false, timeout: 8 * PATIENCE_MS }, () => {
  let stage: StageKit;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.close());

  const signInByKeyboard = async (page: Page, member: Member): Promise<void> => {
    const { email, password } = credentialsOf(member);
    await page.waitForFunction(() => document.activeElement?.id === 'email');
    await page.keyboard.type(email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await connected(page);
  };
  const press = async (page: Page, name: string | RegExp, key = 'Enter'): Promise<void> => {
    // What others have done may not be on this page yet.
    await page.getByRole('button', { name }).or(page.getByRole('textbox', { name })).first().waitFor();
    await tabTo(page, name);
    await page.keyboard.press(key);
  };

  it('is used by keyboard alone, from signing in to the end of the room', async () => {
    const [host, ben] = await Promise.all([stage.signUp('host'), stage.signUp('ben')]);
    const chatRoomId = await createChannel(host, 'keys');
    const liveRoomId = await createRoom(host, { title: 'Keys only', chatRoomId });
    const [hosting, listening] = await Promise.all([stage.open(liveRoomId), stage.open(liveRoomId)]);
    await Promise.all([signInByKeyboard(hosting, host), signInByKeyboard(listening, ben)]);
    await focusIs(hosting, 'Keys only');

    await press(listening, 'Raise my hand', 'Space');
    await hasHands(hosting, [ben.handle]);
    await focusIs(listening, 'Lower my hand');
    await press(hosting, `Lower the hand of ${ben.handle}`);
    await hasHands(hosting, []);
    // What had the focus is gone: it goes to the beginning, not into nothing.
    await focusIs(hosting, 'Keys only');

    await press(hosting, `Options for ${ben.handle}`);
    await focusIs(hosting, 'Invite to speak');
    await hosting.keyboard.press('Escape');
    await focusIs(hosting, `Options for ${ben.handle}`);
    await hosting.keyboard.press('Enter');
    await focusIs(hosting, 'Invite to speak');
    await hosting.keyboard.press('Enter');
    await focusIs(hosting, `Options for ${ben.handle}`);
    await press(listening, 'Accept and speak');
    // Their row has moved to the stage, and the focus with it.
    await hosting.locator('#participants').getByText(ben.handle).waitFor();
    await focusIs(hosting, `Options for ${ben.handle}`);
    await press(listening, 'Turn my microphone on');
    await hosting.locator('#participants li', { hasText: ben.handle }).getByText('microphone on').waitFor();

    await press(hosting, 'Record');
    await listening.getByText('This room is being recorded.').waitFor();
    await focusIs(hosting, 'Stop recording');

    await press(listening, 'Message');
    await listening.keyboard.type('By keyboard');
    await listening.keyboard.press('Enter');
    await hosting.getByRole('log', { name: 'Messages' }).getByText('By keyboard').waitFor();
    await listening.keyboard.press('Escape');
    await listening.getByRole('complementary').waitFor({ state: 'hidden' });
    await focusIs(listening, /^Chat/);

    await press(hosting, 'End the room');
    await focusIs(hosting, 'Cancel');
    await press(hosting, 'End the room');
    await status(listening, 'closed').filter({ hasText: 'The room has ended.' }).waitFor();
  });

  it('takes a choice that is made faster than a dialog tells that it was closed', async () => {
    const [host, ben] = await Promise.all([stage.signUp('host'), stage.signUp('ben')]);
    const liveRoomId = await createRoom(host, { title: 'Quick hands' });
    const hosting = await stage.enter(liveRoomId, host);
    const listening = await stage.enter(liveRoomId, ben);
    await hosting.getByRole('button', { name: `Options for ${ben.handle}` }).waitFor();
    await hosting.evaluate((label) => {
      const options = document.querySelector<HTMLElement>(`[aria-label="${label}"]`);
      const dialog = document.querySelector<HTMLDialogElement>('#person');
      const invite = () => [...(dialog?.querySelectorAll('button') ?? [])].find(isInvite);
      const isInvite = ({ textContent }: HTMLElement) => textContent === 'Invite to speak';
      options?.click();
      dialog?.close();
      options?.click();
      invite()?.click();
      options?.click();
      dialog?.close();
    }, `Options for ${ben.handle}`);
    await listening.getByRole('button', { name: 'Accept and speak' }).waitFor();
  });

  it('fits a phone in every state: nothing to scroll sideways, everything in reach', async () => {
    const [host, ben] = await Promise.all([stage.signUp('host'), stage.signUp('ben')]);
    const chatRoomId = await createChannel(host, 'pocket');
    const liveRoomId = await createRoom(host, { title: `Phones and ${UNBROKEN}`, chatRoomId }, 'SCHEDULED');
    const page = await stage.open(liveRoomId, { viewport: PHONE });
    const fits = async (state: string) => {
      assert.deepEqual(await overflowing(page), [], `wider than the screen: ${state}`);
      assert.deepEqual(await outOfReach(page, MIN_TARGET_PX), [], `out of reach: ${state}`);
    };
    await page.getByText(`Hosted by ${host.handle}`).waitFor();
    await fits('signing in');
    await page.getByLabel('E-mail').fill(credentialsOf(host).email);
    await page.getByLabel('Password').fill(credentialsOf(host).password);
    await page.getByRole('button', { name: 'Sign in and join' }).click();
    await page.getByRole('button', { name: 'Start the room' }).waitFor();
    await fits('before the start');
    await page.getByRole('button', { name: 'Start the room' }).click();
    await page.getByRole('button', { name: 'Join the room' }).click();
    await connected(page);
    const bens = await stage.enter(liveRoomId, ben, { viewport: PHONE });
    await bens.getByRole('button', { name: 'Raise my hand' }).click();
    await page.getByRole('button', { name: 'Record', exact: true }).click();
    await bens.getByText('This room is being recorded.').waitFor();
    await hasHands(page, [ben.handle]);
    await fits('hosting');
    assert.equal(
      await page.getByRole('complementary').isVisible(),
      false,
      'the chat leaves the room visible',
    );
    await page.getByRole('button', { name: 'Chat' }).click();
    await page.getByLabel('Message', { exact: true }).fill(UNBROKEN.repeat(3));
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('log', { name: 'Messages' }).getByText(UNBROKEN).waitFor();
    await fits('in the chat');
    await page.getByRole('button', { name: 'Close chat' }).click();
    await page.getByRole('button', { name: `Options for ${ben.handle}` }).click();
    await fits('in a dialog');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'End the room' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'End the room' }).click();
    await status(page, 'closed').waitFor();
    await fits('after the end');
  });

  for (const colorScheme of ['light', 'dark'] as const)
    it(`is readable in ${colorScheme} colours`, async () => {
      const [host, ben] = await Promise.all([stage.signUp('host'), stage.signUp('ben')]);
      const chatRoomId = await createChannel(host, 'colours');
      const liveRoomId = await createRoom(host, { chatRoomId });
      const page = await stage.open(liveRoomId, { colorScheme });
      const isReadable = async (page: Page) => assert.deepEqual(await contrastsBelow(page, MIN_CONTRAST), []);
      await page.getByText(`Hosted by ${host.handle}`).waitFor();
      await isReadable(page);
      await signInByKeyboard(page, host);
      const bens = await stage.enter(liveRoomId, ben, { colorScheme });
      await bens.getByRole('button', { name: 'Raise my hand' }).click();
      await page.getByRole('button', { name: 'Record', exact: true }).click();
      await bens.getByText('This room is being recorded.').waitFor();
      await page.getByRole('status').filter({ hasText: 'asks to speak' }).waitFor();
      await isReadable(page);
      await page.getByRole('button', { name: `Options for ${ben.handle}` }).click();
      await page.getByRole('button', { name: 'Invite to speak' }).click();
      await bens.getByRole('region', { name: 'Invitation' }).waitFor();
      await isReadable(bens);
    });
});

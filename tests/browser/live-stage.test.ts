import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import type { Member } from '../system/journey.ts';
import {
  connected,
  HEARD,
  levelOf,
  PATIENCE_MS,
  row,
  signIn,
  status,
  staysSilent,
} from './live-page-driver.ts';
import {
  choose,
  createChannel,
  createRoom,
  credentialsOf,
  hasHands,
  missing,
  openStage,
  participantOf,
  type StageKit,
} from './live-people.ts';
import { focusIs } from './page-access.ts';

describe('people in a live room', { skip: missing ?? false, timeout: 8 * PATIENCE_MS }, () => {
  let stage: StageKit;
  let host: Member;
  let ben: Member;
  let cleo: Member;
  let liveRoomId: string;
  let channelId: string;
  let hosting: Page;
  let bens: Page;
  let cleos: Page;
  before(async () => {
    stage = await openStage();
    [host, ben, cleo] = await Promise.all([stage.signUp('host'), stage.signUp('ben'), stage.signUp('cleo')]);
    channelId = await createChannel(host, 'tone-talk');
    liveRoomId = await createRoom(host, { chatRoomId: channelId }, 'SCHEDULED');
  });
  after(() => stage.close());

  it('read what the room is, and its host starts it', async () => {
    [hosting, bens, cleos] = await Promise.all([
      stage.open(liveRoomId),
      stage.open(liveRoomId),
      stage.open(liveRoomId),
    ]);
    await bens.getByText(`Hosted by ${host.handle}`).waitFor();
    await Promise.all([
      signIn(hosting, credentialsOf(host)),
      signIn(bens, credentialsOf(ben)),
      signIn(cleos, credentialsOf(cleo)),
    ]);
    for (const page of [bens, cleos]) {
      await page.getByText(/This room has not started yet\./).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Join the room' }).isVisible(), false);
      assert.equal(await page.getByRole('button', { name: 'Start the room' }).isVisible(), false);
    }
    await hosting.getByRole('button', { name: 'Check my microphone' }).click();
    await hosting.getByText('Your microphone works.').waitFor();
    await hosting.getByRole('button', { name: 'Start the room' }).click();
    for (const page of [hosting, bens, cleos]) {
      await page.getByRole('button', { name: 'Join the room' }).click();
      await connected(page);
    }
    await bens.locator('#participants').getByText(host.handle).waitFor();
    await hosting.locator('#listeners li').nth(1).waitFor();
    assert.equal(await bens.getByRole('group', { name: 'Moderation' }).isVisible(), false);
  });

  it('see the level of their own microphone, and that of whoever speaks', async () => {
    const seen = await participantOf(host, liveRoomId);
    for (const page of [hosting, bens]) await levelOf(page, seen, (level) => level > HEARD);
    await row(bens, seen)
      .getByRole('img', { name: /connection/i })
      .waitFor();
  });

  it('raise hands, which everybody sees in their order, and one is let speak', async () => {
    await bens.getByRole('button', { name: 'Raise my hand' }).click();
    await hasHands(hosting, [ben.handle]);
    await cleos.getByRole('button', { name: 'Raise my hand' }).click();
    await hasHands(hosting, [ben.handle, cleo.handle]);
    await hasHands(bens, [`${ben.handle} (you)`, cleo.handle]);
    await hosting.getByRole('button', { name: `Lower the hand of ${ben.handle}` }).click();
    await hasHands(cleos, [`${cleo.handle} (you)`]);
    await cleos.getByRole('button', { name: 'Lower my hand' }).click();
    await bens.getByRole('button', { name: 'Raise my hand' }).click();
    await hasHands(hosting, [ben.handle]);
    await hosting.getByRole('button', { name: `Let ${ben.handle} speak` }).click();
    await bens.getByRole('status').filter({ hasText: 'You may speak now.' }).waitFor();
    await bens.getByRole('button', { name: 'Turn my microphone on' }).click();
    await levelOf(hosting, await participantOf(ben, liveRoomId), (level) => level > HEARD);
  });

  it('are muted all at once, and may not unmute themselves', async () => {
    const seen = await participantOf(ben, liveRoomId);
    await hosting.getByRole('button', { name: 'Mute everyone' }).click();
    await bens.getByRole('status').filter({ hasText: 'A moderator has muted you.' }).waitFor();
    assert.equal(await bens.locator('#microphone').isDisabled(), true);
    await staysSilent(hosting, seen);
    await choose(hosting, ben, 'Allow to unmute');
    await bens.getByRole('button', { name: 'Turn my microphone on' }).click();
    await levelOf(hosting, seen, (level) => level > HEARD);
  });

  it('are invited to speak, decline, and accept', async () => {
    const invitation = cleos.getByRole('region', { name: 'Invitation' });
    const invited = row(hosting, await participantOf(cleo, liveRoomId)).filter({
      hasText: 'invited to speak',
    });
    await choose(hosting, cleo, 'Invite to speak');
    await invited.waitFor();
    await invitation.getByRole('button', { name: 'Decline' }).click();
    await invitation.waitFor({ state: 'hidden' });
    await invited.waitFor({ state: 'hidden' });
    await choose(hosting, cleo, 'Invite to speak');
    await invitation.getByRole('button', { name: 'Accept and speak' }).click();
    await hosting.locator('#participants').getByText(cleo.handle).waitFor();
  });

  it('are found by name by whoever moderates, listed or not, and something is done about them', async () => {
    const found = hosting.locator('#find-list li');
    const search = async (name: string) => {
      await hosting.getByRole('searchbox', { name: 'Name or handle' }).fill(name);
      await hosting.getByRole('button', { name: 'Find', exact: true }).click();
    };
    assert.equal(await cleos.getByRole('search').isVisible(), false);
    await search('');
    await found.nth(2).waitFor();
    await search(cleo.handle.toUpperCase());
    await found.nth(1).waitFor({ state: 'hidden' });
    await found.getByText('Speaker').waitFor();
    await hosting.getByRole('button', { name: `Manage ${cleo.handle}` }).click();
    await hosting.getByRole('dialog').getByRole('button', { name: 'Move to the listeners' }).click();
    await found.getByText('Listener').waitFor();
    await focusIs(hosting, `Manage ${cleo.handle}`);
    await hosting.getByRole('button', { name: `Manage ${cleo.handle}` }).click();
    await hosting.getByRole('dialog').getByRole('button', { name: 'Make a speaker' }).click();
    await found.getByText('Speaker').waitFor();
    await search('nobody is called this');
    await hosting.getByText('Nobody here is called that.').waitFor();
  });

  it('become moderators, step down, and are removed', async () => {
    await choose(hosting, ben, 'Make a moderator');
    await bens.getByRole('group', { name: 'Moderation' }).waitFor();
    assert.equal(await bens.getByRole('button', { name: 'End the room' }).isVisible(), false);
    await choose(bens, cleo, 'Move to the listeners');
    await cleos.getByRole('button', { name: 'Raise my hand' }).waitFor();
    await choose(bens, ben, 'Stop speaking');
    await bens.getByRole('alertdialog').getByRole('button', { name: 'Stop speaking' }).click();
    await bens.getByRole('button', { name: 'Raise my hand' }).waitFor();
    assert.equal(await bens.getByRole('group', { name: 'Moderation' }).isVisible(), false);
    await choose(hosting, cleo, 'Remove from the room');
    await hosting.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
    await status(cleos, 'closed').filter({ hasText: 'A moderator has removed you' }).waitFor();
    await cleos.getByRole('button', { name: 'Join again' }).click();
    await connected(cleos);
  });

  it('react without a word, which everybody sees, by keyboard too, and screen readers say', async () => {
    const pages = [hosting, bens, cleos];
    const reaction = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
    const counted = (name: string) =>
      Promise.all(pages.map((page) => reaction(page, name).filter({ hasText: /\d/ }).waitFor()));
    await reaction(bens, 'Applause').click();
    await counted('Applause');
    await reaction(cleos, 'Heart').focus();
    await cleos.keyboard.press('Enter');
    await counted('Heart');
    const said = (name: string) => hosting.locator('#reactions-said').filter({ hasText: `1 × ${name}` });
    await said('Heart').waitFor({ state: 'attached' });
    for (const page of pages) await reaction(page, 'Applause').filter({ hasNotText: /\d/ }).waitFor();
  });

  it('are listened to by whom the host wants, which only the host decides', async () => {
    const broadcast = (page: Page) =>
      page.getByRole('button', { name: 'Broadcast to signed-in people only' });
    assert.equal(await broadcast(bens).isVisible(), false);
    for (const pressed of ['true', 'false']) {
      await broadcast(hosting).click();
      await hosting.locator(`#audience[aria-pressed="${pressed}"]`).waitFor();
    }
  });

  it('are all shown that the room is recorded, whoever comes later included', async () => {
    const notice = (page: Page) => page.getByText('This room is being recorded.');
    await hosting.getByRole('button', { name: 'Record', exact: true }).click();
    await Promise.all([hosting, bens, cleos].map((page) => notice(page).waitFor()));
    const late = await stage.enter(liveRoomId, await stage.signUp('late'));
    await notice(late).waitFor();
    await hosting.getByRole('button', { name: 'Stop recording' }).click();
    await Promise.all([hosting, bens, cleos, late].map((page) => notice(page).waitFor({ state: 'hidden' })));
    await bens.getByRole('status').filter({ hasText: 'The recording has ended.' }).waitFor();
    await late.context().close();
  });

  it('write in the chat beside it, and see what others write, change and delete', async () => {
    const messages = (page: Page) => page.getByRole('log', { name: 'Messages' });
    await bens.getByText('Your first message makes you a member of tone-talk.').waitFor();
    await bens.getByLabel('Message', { exact: true }).fill('First!');
    await bens.getByRole('button', { name: 'Send' }).click();
    await messages(hosting).getByText('First!').waitFor();
    await messages(bens).getByText('First!').waitFor();
    assert.equal(await bens.getByLabel('Message', { exact: true }).inputValue(), '');
    await cleos.getByRole('button', { name: 'Close chat' }).click();
    const input = { roomId: channelId, content: 'Secnod', clientNonce: randomUUID() };
    const { sendMessage } = await host.data(
      'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }',
      { input },
    );
    const { id } = sendMessage.message;
    await cleos.getByRole('button', { name: 'Chat 1 new' }).click();
    await messages(cleos).getByText('Secnod').waitFor();
    await host.data(
      'mutation ($id: ID!) { editMessage(messageId: $id, content: "Second") { message { id } } }',
      { id },
    );
    await messages(bens).getByText('Second').waitFor();
    await messages(bens).getByText('(edited)').waitFor();
    await host.data('mutation ($id: ID!) { deleteMessage(messageId: $id) { message { id } } }', { id });
    await messages(bens).getByText('This message was deleted.').waitFor();
    assert.equal(await messages(bens).getByText('Second').count(), 0);
  });

  it('choose another microphone, which goes on without a word', async () => {
    const seen = await participantOf(host, liveRoomId);
    const choice = hosting.getByLabel('Microphone', { exact: true });
    const before = await choice.inputValue();
    await choice.selectOption({ index: 2 });
    const chosen = await choice.inputValue();
    assert.notEqual(chosen, before);
    await hosting.waitForFunction(
      (deviceId) =>
        globalThis.peerConnections
          .flatMap((one) => one.getSenders())
          .some(({ track }) => track?.getSettings().deviceId === deviceId),
      chosen,
    );
    await levelOf(bens, seen, (level) => level > HEARD);
  });

  it('are told of the end', async () => {
    await hosting.getByRole('button', { name: 'End the room' }).click();
    await hosting.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }).click();
    await hosting.getByRole('button', { name: 'End the room' }).click();
    await hosting.getByRole('alertdialog').getByRole('button', { name: 'End the room' }).click();
    for (const page of [hosting, bens, cleos]) {
      await status(page, 'closed').filter({ hasText: 'The room has ended.' }).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Join again' }).isVisible(), false);
    }
    await bens.reload();
    await bens.getByText('This room has ended.').waitFor();
    assert.equal(await bens.getByRole('button', { name: 'Join the room' }).isVisible(), false);
  });
});

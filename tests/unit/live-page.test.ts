import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LiveRoomState } from '../../clients/live/browser/live-state.client.ts';
import { CLOSE_CODES } from '#schema/signalling.ts';
import { chatAfter, type Chat, type ChatMessage } from '../../media-server/page/browser/chat.client.ts';
import { noticesBetween } from '../../media-server/page/browser/notices.client.ts';
import { NameBook } from '../../media-server/page/browser/name-book.client.ts';
import { peopleOf, unlistedListeners, type Person } from '../../media-server/page/browser/people.client.ts';
import { actionsOn } from '../../media-server/page/browser/permissions.client.ts';
import { stageAfter, type Stage } from '../../media-server/page/browser/stage.client.ts';
import { connectionWords } from '../../media-server/page/browser/words.client.ts';

const STAGE: Stage = {
  state: 'LIVE',
  hands: ['a', 'b'],
  invited: ['c'],
  recording: null,
  audience: 'ANYONE',
  bansAsOf: '0',
  cursor: '0',
};
const after = (stage: Stage, event: object): Stage | null => stageAfter(stage, { cursor: '1', ...event });
const left = (participantId: string, leaveReason = 'CLIENT') => ({
  __typename: 'ParticipantLeft',
  participantId,
  leaveReason,
});

describe('what a live room’s page makes of the room’s log', () => {
  it('hands queue up in the order in which they go up, each once', () => {
    const raise = (participantId: string) => ({ __typename: 'HandChanged', participantId, raised: true });
    assert.deepEqual(after(STAGE, raise('c'))?.hands, ['a', 'b', 'c']);
    assert.deepEqual(after(STAGE, raise('a'))?.hands, ['a', 'b']);
    const lowered = { __typename: 'HandChanged', participantId: 'a', raised: false };
    assert.deepEqual(after(STAGE, lowered)?.hands, ['b']);
  });

  it('whoever leaves takes their hand and their invitation along', () => {
    assert.deepEqual(after(STAGE, left('a'))?.hands, ['b']);
    assert.deepEqual(after(STAGE, left('c'))?.invited, []);
  });

  it('who is banned is asked for anew once somebody is banned, or is no more', () => {
    assert.equal(after(STAGE, left('z', 'REMOVED'))?.bansAsOf, '0');
    assert.equal(after(STAGE, left('z', 'BANNED'))?.bansAsOf, '1');
    assert.equal(after(STAGE, { __typename: 'ParticipantUnbanned' })?.bansAsOf, '1');
    assert.equal(after(STAGE, { __typename: 'ParticipantJoined' })?.bansAsOf, '0');
  });

  it('an invitation waits until it is answered, in whatever way', () => {
    const change = (invitation: string) => ({
      __typename: 'InvitationChanged',
      participantId: 'd',
      invitation,
    });
    const invited = after(STAGE, change('INVITED'));
    assert.deepEqual(invited?.invited, ['c', 'd']);
    for (const answer of ['ACCEPTED', 'DECLINED', 'WITHDRAWN', 'OF_A_NEWER_SERVER'])
      assert.deepEqual(after(invited ?? STAGE, change(answer))?.invited, ['c']);
  });

  it('a recording is told of from its order to its end', () => {
    const change = (state: string) => ({ __typename: 'RecordingChanged', recording: { id: 'r', state } });
    for (const state of ['STARTING', 'RECORDING'])
      assert.equal(after(STAGE, change(state))?.recording, state);
    for (const state of ['STOPPING', 'READY', 'FAILED'])
      assert.equal(after({ ...STAGE, recording: 'RECORDING' }, change(state))?.recording, null);
  });

  it('who may listen to the broadcast is what the host has decided last', () => {
    const change = { __typename: 'BroadcastAudienceChanged', audience: 'SIGNED_IN' };
    assert.equal(after(STAGE, change)?.audience, 'SIGNED_IN');
  });

  it('what it does not understand, and a log that cannot continue, make it load the room anew', () => {
    assert.equal(after(STAGE, { __typename: 'LiveResyncRequired', reason: 'WINDOW_EXPIRED' }), null);
    assert.equal(after(STAGE, { __typename: 'OfANewerServer' }), null);
    assert.equal(after(STAGE, { __typename: 'ParticipantJoined' })?.cursor, '1');
  });
});

const message = (seq: number, content: string): ChatMessage => ({
  id: `m${seq}`,
  seq,
  content,
  createdAt: '2026-01-31T12:00:00.000Z',
});
const CHAT: Chat = {
  name: 'chat',
  messages: [message(4, 'four'), message(5, 'five')],
  olderThan: 'm4',
  isMember: true,
  cursor: '0',
};
const contentsAfter = (event: object) =>
  chatAfter(CHAT, { cursor: '1', ...event })?.messages.map(({ content }) => content);

describe('what a live room’s page makes of the chat’s log', () => {
  it('new messages come last, and one that was read already stays one', () => {
    const created = (seq: number) => ({ __typename: 'MessageCreated', message: message(seq, 'new') });
    assert.deepEqual(contentsAfter(created(6)), ['four', 'five', 'new']);
    assert.deepEqual(contentsAfter(created(5)), ['four', 'new']);
  });

  it('changes are made where the message stands, and nowhere where it is not shown', () => {
    const edited = (seq: number) => ({ __typename: 'MessageEdited', message: message(seq, 'changed') });
    assert.deepEqual(contentsAfter(edited(4)), ['changed', 'five']);
    assert.deepEqual(contentsAfter(edited(3)), ['four', 'five']);
    assert.deepEqual(contentsAfter({ __typename: 'MessageDeleted', messageId: 'm5' }), ['four', null]);
    assert.deepEqual(contentsAfter({ __typename: 'MessageCreated', message: null }), ['four', 'five']);
  });
});

describe('what a live room’s page offers', () => {
  const target = { muted: false, invited: false };

  it('nobody decides about equals or betters, and speakers and listeners about nobody', () => {
    for (const [actor, role] of [
      ['MODERATOR', 'MODERATOR'],
      ['MODERATOR', 'HOST'],
      ['SPEAKER', 'LISTENER'],
      ['LISTENER', 'LISTENER'],
    ] as const)
      assert.deepEqual(actionsOn(actor, { ...target, role }), []);
  });

  it('the host makes moderators, moderators do not', () => {
    assert.ok(actionsOn('HOST', { ...target, role: 'SPEAKER' }).includes('MAKE_MODERATOR'));
    assert.ok(!actionsOn('MODERATOR', { ...target, role: 'SPEAKER' }).includes('MAKE_MODERATOR'));
  });

  it('what is so already is not offered', () => {
    assert.ok(!actionsOn('HOST', { ...target, role: 'LISTENER', invited: true }).includes('INVITE'));
    assert.ok(!actionsOn('HOST', { ...target, role: 'SPEAKER', muted: true }).includes('MUTE'));
  });

  const self: Person = {
    participantId: 'me',
    name: 'Me',
    isSelf: true,
    role: 'HOST',
    muted: false,
    sending: true,
    asks: false,
    invited: false,
    quality: null,
    dominant: false,
  };
  const names = new Map([['c', 'Cleo']]);

  it('moderators are told whose hand goes up, others are not', () => {
    const [before, now] = [STAGE, { ...STAGE, hands: ['a', 'b', 'c'] }];
    const told = (me: Person) => noticesBetween({ self: me, stage: before }, { self: me, stage: now }, names);
    assert.deepEqual(told(self), ['Cleo asks to speak.']);
    assert.deepEqual(told({ ...self, role: 'SPEAKER' }), []);
  });

  it('a connection that is lost is told of in words, with what is done about it', () => {
    const lost = {
      connection: 'reconnecting',
      closeCode: null,
      problem: 'The connection was lost.',
    } as const;
    assert.equal(connectionWords(lost), 'The connection was lost. Connecting again …');
    assert.equal(
      connectionWords({ connection: 'closed', closeCode: CLOSE_CODES.REMOVED, problem: null }),
      'A moderator has removed you from the room.',
    );
  });

  it('nobody is told of what was so before they came', () => {
    assert.deepEqual(noticesBetween({ self: null, stage: null }, { self, stage: STAGE }, names), []);
  });
});

const entry = (participantId: string) =>
  ({
    participantId,
    userId: `user of ${participantId}`,
    role: 'LISTENER',
    muted: false,
    quality: null,
  }) as const;
const CONNECTED: LiveRoomState = {
  connection: 'connected',
  closeCode: null,
  problem: null,
  self: entry('me'),
  microphone: 'off',
  music: false,
  dominant: null,
  others: [{ ...entry('a'), sending: false, level: 0 }],
  listenerCount: null,
};

describe('a live room’s page in a room with very many listeners', () => {
  const unlisted = (listenerCount: number | null) => {
    const state = { ...CONNECTED, listenerCount };
    return unlistedListeners(state, peopleOf(state, null, new Map()));
  };

  it('says how many there are besides those who are listed', () => {
    assert.equal(unlisted(null), 0);
    assert.equal(unlisted(120), 118);
    assert.equal(unlisted(1), 0);
  });

  it('names whoever asks to speak, also where they are not listed, and asks for each once', async () => {
    const asked: string[] = [];
    const book = new NameBook({
      namesOf: async (userIds) => {
        asked.push(...userIds);
        return new Map([['user of a', 'Ada']]);
      },
      namesOfHands: async () => {
        asked.push('hands');
        return new Map([['z', 'Zoe']]);
      },
    });
    assert.equal(await book.learn(CONNECTED, ['a', 'z']), true);
    assert.equal(await book.learn(CONNECTED, ['a', 'z']), false);
    assert.deepEqual(Object.fromEntries(book.names), { me: 'Somebody', a: 'Ada', z: 'Zoe' });
    assert.deepEqual(asked, ['user of me', 'user of a', 'hands']);
  });
});

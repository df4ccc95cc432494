import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MEDIA_CONTROL_TOPIC, mediaControl } from '#schema/media-bus.ts';
import { seededRandom } from '../support/random.ts';
import {
  enter,
  join,
  logOf,
  must,
  mutate,
  newUser,
  openLiveRoom,
  refusals,
  startStream,
  type Stream,
} from './stream-kit.ts';
import { take } from './result-streams.ts';

const SEED = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const EVENTS = `subscription ($id: ID!) { liveRoomEvents(liveRoomId: $id) { __typename
  ... on InvitationChanged { participantId state } ... on ParticipantChanged { participant { id role } } } }`;
const HANDS = 'query ($id: ID!) { liveRoom(id: $id) { raisedHands { id handPosition } } }';

interface Guest {
  readonly user: string;
  readonly id: string;
}

describe('who speaks in a live room', () => {
  let stream: Stream;
  const random = seededRandom(SEED);
  // A clock that goes back and forth, as those of several processes do against each other.
  before(
    async () => void (stream = await startStream({ now: () => new Date(Date.now() + random() * 200 - 100) })),
  );
  after(() => stream.close());

  const open = async (guests: number, settings = {}) => {
    const host = newUser();
    const liveRoomId = await openLiveRoom(stream, host, settings);
    await enter(stream, host, liveRoomId);
    const people: Guest[] = [];
    for (let count = 0; count < guests; count++) {
      const user = newUser();
      people.push({ user, id: await enter(stream, user, liveRoomId) });
    }
    return { host, liveRoomId, people };
  };
  const give = (actor: string, liveRoomId: string, { id }: Guest, role: string) =>
    must(stream, actor, 'setLiveRole', { liveRoomId, participantId: id, role });
  const mutedIn = async (liveRoomId: string) => {
    const query = 'query ($id: ID!) { liveRoom(id: $id) { participants { nodes { id muted } } } }';
    const { nodes } = (await stream.data(null, query, { id: liveRoomId })).liveRoom.participants;
    return nodes.filter(({ muted }: { muted: boolean }) => muted).map(({ id }: Guest) => id);
  };

  it('is muted at once by the host, and by moderators as far as they may', async () => {
    const { host, liveRoomId, people } = await open(4);
    const [moderator, peer, speaker, listener] = people as [Guest, Guest, Guest, Guest];
    await give(host, liveRoomId, moderator, 'MODERATOR');
    await give(host, liveRoomId, peer, 'MODERATOR');
    await give(host, liveRoomId, speaker, 'SPEAKER');
    assert.deepEqual(await refusals(stream, speaker.user, 'muteAll', { liveRoomId }), [
      'ForbiddenError liveRoomId',
    ]);
    const orders = await stream.liveBus.subscribe(MEDIA_CONTROL_TOPIC);
    await must(stream, moderator.user, 'muteAll', { liveRoomId });
    assert.deepEqual(await mutedIn(liveRoomId), [speaker.id]);
    for await (const message of orders) {
      const order = mediaControl.parse(message);
      if (order.kind === 'mute' && order.participantId === speaker.id && order.muted) break;
    }
    await must(stream, host, 'muteAll', { liveRoomId });
    assert.deepEqual((await mutedIn(liveRoomId)).sort(), [moderator.id, peer.id, speaker.id].sort());
    assert.ok(!(await mutedIn(liveRoomId)).includes(listener.id));
    const before = (await logOf(stream, `live-room:${liveRoomId}`)).length;
    await must(stream, host, 'muteAll', { liveRoomId });
    assert.equal((await logOf(stream, `live-room:${liveRoomId}`)).length, before);
  });

  it('is invited, and accepts or declines; everybody in the room is told', async () => {
    const { host, liveRoomId, people } = await open(2);
    const [guest, other] = people as [Guest, Guest];
    const feed = await stream.subscribe(null, EVENTS, { id: liveRoomId });
    const invite = { liveRoomId, participantId: guest.id };
    const answer = (accept: boolean) => ({ liveRoomId, accept });
    assert.deepEqual(await refusals(stream, other.user, 'inviteToSpeak', invite), [
      'ForbiddenError participantId',
    ]);
    assert.deepEqual(await refusals(stream, guest.user, 'answerInvitation', answer(true)), [
      'ConflictError liveRoomId',
    ]);
    const first = (await must(stream, host, 'inviteToSpeak', invite)).participant;
    assert.ok(first.invitedAt);
    assert.equal((await must(stream, host, 'inviteToSpeak', invite)).participant.invitedAt, first.invitedAt);
    const declined = (await must(stream, guest.user, 'answerInvitation', answer(false))).participant;
    assert.deepEqual([declined.role, declined.invitedAt], ['LISTENER', null]);
    await must(stream, host, 'inviteToSpeak', invite);
    const accepted = (await must(stream, guest.user, 'answerInvitation', answer(true))).participant;
    assert.deepEqual([accepted.role, accepted.invitedAt], ['SPEAKER', null]);
    assert.deepEqual(await refusals(stream, host, 'inviteToSpeak', invite), ['ConflictError participantId']);
    await must(stream, host, 'inviteToSpeak', { liveRoomId, participantId: other.id });
    await give(host, liveRoomId, other, 'SPEAKER');
    const told = (await take(feed, 8)).map((data) => Object.values(Object(data)['liveRoomEvents']));
    assert.deepEqual(told, [
      ['InvitationChanged', guest.id, 'INVITED'],
      ['InvitationChanged', guest.id, 'DECLINED'],
      ['InvitationChanged', guest.id, 'INVITED'],
      ['InvitationChanged', guest.id, 'ACCEPTED'],
      ['ParticipantChanged', { id: guest.id, role: 'SPEAKER' }],
      ['InvitationChanged', other.id, 'INVITED'],
      ['InvitationChanged', other.id, 'WITHDRAWN'],
      ['ParticipantChanged', { id: other.id, role: 'SPEAKER' }],
    ]);
  });

  it('loses an invitation by leaving', async () => {
    const { host, liveRoomId, people } = await open(1);
    const [guest] = people as [Guest];
    await must(stream, host, 'inviteToSpeak', { liveRoomId, participantId: guest.id });
    await must(stream, guest.user, 'leaveLiveRoom', { id: liveRoomId });
    assert.deepEqual(await refusals(stream, host, 'inviteToSpeak', { liveRoomId, participantId: guest.id }), [
      'ConflictError participantId',
    ]);
    await enter(stream, guest.user, liveRoomId);
    assert.deepEqual(await refusals(stream, guest.user, 'answerInvitation', { liveRoomId, accept: true }), [
      'ConflictError liveRoomId',
    ]);
  });

  it('are no more than the room has room for, also when all get the word at once or come back', async () => {
    const { host, liveRoomId, people } = await open(5, { maxSpeakers: 3 });
    const outcomes = await Promise.all(
      people.map(({ id }) =>
        mutate(stream, host, 'setLiveRole', { liveRoomId, participantId: id, role: 'SPEAKER' }),
      ),
    );
    const refused = outcomes.flatMap(({ userErrors }) => userErrors);
    assert.equal(refused.length, 3);
    assert.deepEqual([refused[0].__typename, refused[0].maxSpeakers], ['SpeakerLimitError', 3]);
    const [speaker] = people.filter((_, index) => outcomes[index].participant);
    const [listener] = people.filter((_, index) => !outcomes[index].participant);
    assert.ok(speaker && listener);
    await must(stream, host, 'inviteToSpeak', { liveRoomId, participantId: listener.id });
    const accept = { liveRoomId, accept: true };
    assert.deepEqual(await refusals(stream, listener.user, 'answerInvitation', accept), [
      'SpeakerLimitError participantId',
    ]);
    // The word that is given up can be taken, and who held it listens when they are back.
    await must(stream, speaker.user, 'leaveLiveRoom', { id: liveRoomId });
    await must(stream, listener.user, 'answerInvitation', accept);
    const back = (await mutate(stream, speaker.user, 'joinLiveRoom', { id: liveRoomId })).participant;
    assert.deepEqual([back.id, back.role], [speaker.id, 'LISTENER']);
    assert.deepEqual(
      await refusals(stream, newUser(), 'createLiveRoom', { input: { title: 'a', maxSpeakers: 51 } }),
      ['ValidationError input,maxSpeakers OUT_OF_RANGE'],
    );
  });

  it(`ask for the word in one queue, in the order of their hands, whatever the clocks say (TEST_SEED=${SEED})`, async () => {
    const { host, liveRoomId, people } = await open(12);
    const order: string[] = [];
    await Promise.all(
      people.map(async ({ user }) => {
        const { participant } = await must(stream, user, 'raiseHand', { liveRoomId });
        order[participant.handPosition - 1] = participant.id;
      }),
    );
    const queue = async (): Promise<{ id: string; handPosition: number }[]> =>
      (await stream.data(null, HANDS, { id: liveRoomId })).liveRoom.raisedHands;
    const hands = await queue();
    assert.deepEqual(
      hands.map(({ handPosition }) => handPosition),
      people.map((_, index) => index + 1),
    );
    // Nobody was told a place that another got.
    assert.deepEqual(
      hands.map(({ id }) => id),
      order,
    );
    const [first, second] = hands;
    await must(stream, host, 'lowerHand', { liveRoomId, participantId: first?.id });
    assert.deepEqual((await queue())[0], { id: second?.id, handPosition: 1 });
    const again = people.find(({ id }) => id === first?.id);
    assert.ok(again);
    const last = (await must(stream, again.user, 'raiseHand', { liveRoomId })).participant;
    assert.equal(last.handPosition, people.length);
    assert.equal(await join(stream, again.user, liveRoomId), again.id);
  });
});

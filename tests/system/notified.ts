import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from '../support/platform-client.ts';
import type { Member } from './journey.ts';

const SHOWN = `__typename readAt
  ... on FollowNotification { follower { handle } }
  ... on TrackCommentNotification { by { handle } track { id } comment { body } }
  ... on SaleNotification { products { title } }
  ... on LiveStartedNotification { host { handle } liveRoom { title } }
  ... on DirectMessageNotification { by { handle } message { content } }`;
const NEWEST = `query ($unreadOnly: Boolean) { viewer { notifications(first: 10, unreadOnly: $unreadOnly) {
  eventCursor nodes { id ${SHOWN} } } } }`;
const FOLLOW = `subscription ($after: EventCursor) { notifications(after: $after) {
  __typename seq ... on NotificationCreated { notification { ${SHOWN} } } } }`;

/** The artist, who has sold one product, is told of what the fan does, and the fan that the artist is live. */
export async function notified(artist: Member, fan: Member, trackId: string): Promise<void> {
  const sold = { __typename: 'SaleNotification', readAt: null, products: [{ title: 'Five seconds of A' }] };
  const { eventCursor } = await eventually(async () => {
    const { notifications } = (await artist.data(NEWEST)).viewer;
    assert.deepEqual(
      notifications.nodes.map(({ id: _id, ...told }: Record<string, unknown>) => told),
      [sold],
    );
    return notifications;
  });
  const events = await artist.subscribe(FOLLOW, { after: eventCursor });
  const next = async (seq: number) => {
    const { notifications } = await events.next();
    assert.equal(notifications.seq, seq);
    return notifications.notification;
  };
  const by = { handle: fan.handle };
  await fan.data('mutation ($id: ID!) { followUser(userId: $id) { userErrors { message } } }', {
    id: artist.userId,
  });
  const followed = { __typename: 'FollowNotification', readAt: null, follower: by };
  assert.deepEqual(await next(2), followed);
  await fan.data(
    'mutation ($id: ID!) { commentOnTrack(trackId: $id, body: "Nice!") { userErrors { message } } }',
    { id: trackId },
  );
  assert.deepEqual(await next(3), {
    ...{ __typename: 'TrackCommentNotification', readAt: null, by },
    ...{ track: { id: trackId }, comment: { body: 'Nice!' } },
  });
  await writeTo(fan, artist, 'Hello!');
  const written = {
    __typename: 'DirectMessageNotification',
    readAt: null,
    by,
    message: { content: 'Hello!' },
  };
  assert.deepEqual(await next(4), written);
  await events.close();
  await goLive(artist, fan);
  await readAll(artist);
}

async function writeTo(author: Member, other: Member, content: string): Promise<void> {
  const { createRoom } = await author.data(
    'mutation ($input: CreateRoomInput!) { createRoom(input: $input) { room { id } userErrors { message } } }',
    { input: { kind: 'DIRECT', memberIds: [other.userId] } },
  );
  await author.data(
    'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { userErrors { message } } }',
    { input: { roomId: createRoom.room.id, content, clientNonce: randomUUID() } },
  );
}

async function goLive(artist: Member, fan: Member): Promise<void> {
  const { createLiveRoom } = await artist.data(
    'mutation { createLiveRoom(input: { title: "Studio" }) { liveRoom { id } userErrors { message } } }',
  );
  const { id } = createLiveRoom.liveRoom;
  await artist.data('mutation ($id: ID!) { startLiveRoom(id: $id) { userErrors { message } } }', { id });
  await eventually(async () => {
    const [told] = (await fan.data(NEWEST)).viewer.notifications.nodes;
    assert.equal(told?.__typename, 'LiveStartedNotification');
    assert.deepEqual([told.host, told.liveRoom], [{ handle: artist.handle }, { title: 'Studio' }]);
  });
  await artist.data('mutation ($id: ID!) { endLiveRoom(id: $id) { userErrors { message } } }', { id });
}

async function readAll(artist: Member): Promise<void> {
  const [{ id }] = (await artist.data(NEWEST)).viewer.notifications.nodes;
  await artist.data('mutation ($id: ID!) { markNotificationsRead(upToId: $id) { userErrors { message } } }', {
    id,
  });
  const { nodes } = (await artist.data(NEWEST, { unreadOnly: true })).viewer.notifications;
  assert.deepEqual(nodes, []);
}

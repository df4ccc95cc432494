import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually, platformClient, type PlatformClient } from '../support/platform-client.ts';
import { toneWav } from '../support/wav.ts';
import { notified } from './notified.ts';
import { sidebar } from './sidebar.ts';

/** What users do, from signing up to seeing their sale counted, over the public protocol of the platform at `url`. */
export async function journey(url: string): Promise<void> {
  const [artist, fan] = [await signUp(url, 'artist'), await signUp(url, 'fan')];
  await chat(artist, fan);
  const trackId = await publishTrack(artist);
  await sell(artist, fan, trackId);
  await count(artist, fan, trackId);
  await seeItAll(artist, fan, trackId);
  await notified(artist, fan, trackId);
  await sidebar(artist, fan);
}

export interface Member extends PlatformClient {
  readonly userId: string;
  readonly handle: string;
}

export async function signUp(url: string, name: string): Promise<Member> {
  const handle = `${name}_${randomUUID().slice(0, 8)}`;
  const { register } = await platformClient(url).data(
    `mutation ($input: RegisterInput!) {
      register(input: $input) { tokens { accessToken viewer { id } } userErrors { message } }
    }`,
    { input: { email: `${handle}@example.org`, handle, password: 'a good password' } },
  );
  assert.deepEqual(register.userErrors, []);
  const { accessToken, viewer } = register.tokens;
  return { ...platformClient(url, accessToken), userId: viewer.id, handle };
}

const ROOM_EVENTS = `subscription ($roomId: ID!, $after: EventCursor) {
  roomEvents(roomId: $roomId, after: $after) {
    __typename cursor seq
    ... on MessageCreated { message { content author { handle displayName } } }
  }
}`;
const SEND = `mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) { message { id seq } userErrors { __typename message } }
}`;

async function chat(artist: Member, fan: Member): Promise<void> {
  const { createRoom } = await artist.data(
    `mutation { createRoom(input: { kind: CHANNEL, name: "Listening party", visibility: PUBLIC }) { room { id } userErrors { message } } }`,
  );
  const roomId: string = createRoom.room.id;
  const events = await fan.subscribe(ROOM_EVENTS, { roomId });
  // The answer to a query on the same socket-less client says nothing about the subscription, so writing goes on until an event comes.
  const arrived = events.next();
  const input = { roomId, content: 'First!', clientNonce: randomUUID() };
  await sendUntil(artist, input, arrived);
  const { roomEvents } = await arrived;
  assert.equal(roomEvents.__typename, 'MessageCreated');
  assert.equal(roomEvents.message.author.handle, artist.handle);
  await events.close();
  await resume(artist, fan, roomId, roomEvents.cursor);
}

/** Sends messages until `arrived` settles: a subscription over a socket does not say when it has begun. */
async function sendUntil(sender: PlatformClient, input: object, arrived: Promise<unknown>): Promise<void> {
  let done = false;
  void arrived.finally(() => (done = true)).catch(() => undefined);
  await eventually(async () => {
    const { sendMessage } = await sender.data(SEND, { input: { ...input, clientNonce: randomUUID() } });
    assert.deepEqual(sendMessage.userErrors, []);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(done, 'no event has arrived');
  });
}

/** What was written while the fan was away arrives first, in order and once. */
async function resume(artist: Member, fan: Member, roomId: string, after: string): Promise<void> {
  const contents = ['while', 'you', 'were', 'away'];
  for (const content of contents) {
    await artist.data(SEND, { input: { roomId, content, clientNonce: randomUUID() } });
  }
  const events = await fan.subscribe(ROOM_EVENTS, { roomId, after });
  const seen: string[] = [];
  let lastSeq: number | null = null;
  while (seen.at(-1) !== 'away') {
    const { roomEvents } = await events.next();
    if (lastSeq !== null) assert.equal(roomEvents.seq, lastSeq + 1);
    lastSeq = roomEvents.seq;
    seen.push(roomEvents.message.content);
  }
  assert.deepEqual(seen.slice(-4), contents);
  await events.close();
}

async function publishTrack(artist: Member): Promise<string> {
  const { uploadTrack } = await artist.upload(
    `mutation ($input: UploadTrackInput!) {
      uploadTrack(input: $input) { track { id title durationMs audioUrl artist { handle } } userErrors { message } }
    }`,
    { input: { file: null, title: 'Five seconds of A', clientMutationKey: randomUUID() } },
    new Blob([new Uint8Array(toneWav({ seconds: 5 }))], { type: 'audio/wav' }),
    'variables.input.file',
  );
  assert.deepEqual(uploadTrack.userErrors, []);
  assert.equal(uploadTrack.track.artist.handle, artist.handle);
  assert.equal(uploadTrack.track.durationMs, 5_000);
  const audio = await fetch(uploadTrack.track.audioUrl, { headers: { range: 'bytes=0-3' } });
  assert.equal(audio.status, 206);
  assert.equal(await audio.text(), 'RIFF');
  return uploadTrack.track.id;
}

async function sell(artist: Member, fan: Member, trackId: string): Promise<void> {
  const variants = [{ sku: 'mp3', title: 'Download', price: '3.50' }];
  const input = { title: 'Five seconds of A', kind: 'TRACK_DOWNLOAD', trackId, currency: 'EUR', variants };
  const product = await eventually(async () => {
    const { createProduct } = await artist.data(
      `mutation ($input: CreateProductInput!) {
        createProduct(input: $input) { product { id variants { id } } userErrors { message } }
      }`,
      { input },
    );
    assert.deepEqual(createProduct.userErrors, []);
    return createProduct.product;
  });
  await artist.data('mutation ($id: ID!) { publishProduct(id: $id) { userErrors { message } } }', {
    id: product.id,
  });
  await buy(fan, product.variants[0].id, '3.50');
}

async function buy(fan: Member, variantId: string, expectedTotal: string): Promise<void> {
  const { addToCart } = await fan.data(
    'mutation ($id: ID!) { addToCart(variantId: $id) { cart { id total { amount } } userErrors { message } } }',
    { id: variantId },
  );
  assert.deepEqual(addToCart.userErrors, []);
  const input = {
    cartId: addToCart.cart.id,
    expectedTotal,
    provider: 'TEST',
    paymentMethodId: 'pm_ok',
    idempotencyKey: randomUUID(),
  };
  const CHECKOUT = `mutation ($input: CheckoutInput!) {
    checkout(input: $input) { __typename ... on OrderPlaced { order { id state total { amount currency } } } ... on UserError { message } }
  }`;
  const [first, again] = [await fan.data(CHECKOUT, { input }), await fan.data(CHECKOUT, { input })];
  assert.equal(first.checkout.__typename, 'OrderPlaced', JSON.stringify(first.checkout));
  assert.deepEqual(again.checkout.order.id, first.checkout.order.id);
}

async function count(artist: Member, fan: Member, trackId: string): Promise<void> {
  const play = { trackId, clientEventId: randomUUID(), playedAt: new Date().toISOString(), msPlayed: 5_000 };
  await recordPlay(fan, play);
  await recordPlay(fan, play);
  await eventually(async () => {
    const { track, user } = await fan.data(
      `query ($trackId: ID!, $userId: ID!) {
        track(id: $trackId) { playCount }
        user(id: $userId) { products(first: 1) { nodes { unitsSold } } }
      }`,
      { trackId, userId: artist.userId },
    );
    assert.equal(track.playCount, 1);
    assert.equal(user.products.nodes[0].unitsSold, 1);
  });
}

async function recordPlay(fan: Member, play: object): Promise<void> {
  await fan.data(
    'mutation ($plays: [PlayEventInput!]!) { recordPlays(events: $plays) { accepted duplicates } }',
    {
      plays: [play],
    },
  );
}

/** One query across all five subgraphs. [S01] */
async function seeItAll(artist: Member, fan: Member, trackId: string): Promise<void> {
  const { user } = await fan.data(
    `query ($id: ID!) {
      user(id: $id) {
        handle
        presence { status }
        tracks(first: 5) { nodes { id playCount } }
        liveRoom { id }
        products(first: 5) { nodes { title unitsSold } }
      }
    }`,
    { id: artist.userId },
  );
  assert.equal(user.handle, artist.handle);
  assert.ok(user.presence.status);
  assert.deepEqual(user.tracks.nodes, [{ id: trackId, playCount: 1 }]);
  assert.equal(user.liveRoom, null);
  assert.deepEqual(user.products.nodes, [{ title: 'Five seconds of A', unitsSold: 1 }]);
}

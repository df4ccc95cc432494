import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { play, recordPlays, startAnalytics, trackTold, type TestAnalytics } from './analytics-kit.ts';

const SEARCH = `query ($query: String!, $kinds: [SearchKind!], $first: Int, $after: String) {
  search(query: $query, filter: { kinds: $kinds }, first: $first, after: $after) {
    edges {
      cursor score highlight
      node { __typename ... on User { id } ... on Track { id } ... on Room { id } ... on LiveRoom { id } ... on Product { id } }
    }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}`;

describe('search', () => {
  let analytics: TestAnalytics;
  const mira = newId('User');
  const kettle = newId('Track');
  const hidden = newId('Track');
  const lobby = newId('Room');
  const cellar = newId('Room');
  const session = newId('LiveRoom');
  const pack = newId('Product');

  before(async () => {
    analytics = await startAnalytics();
    const { tell } = analytics;
    await tell('user.registered', `user:${mira}`, { userId: mira, handle: 'mira', displayName: 'mira' });
    const bio = 'Ambient from a kitchen in Lyon.';
    await tell('user.profileUpdated', `user:${mira}`, {
      userId: mira,
      handle: 'mira',
      displayName: 'Mira Okafor',
      bio,
    });
    const told = {
      title: 'Kettle, Half Past Five',
      description: 'Écoute: steam & broken beats',
      genre: 'ambient',
      tags: ['kitchen'],
    };
    await tell('track.published', `track:${kettle}`, trackTold(kettle, mira, told));
    await tell(
      'track.published',
      `track:${hidden}`,
      trackTold(hidden, mira, { title: 'Kettle demo', visibility: 'UNLISTED' }),
    );
    const room = { kind: 'CHANNEL', ownerId: mira, topic: null } as const;
    await tell('room.created', `room:${lobby}`, {
      ...room,
      roomId: lobby,
      name: 'Kettle lobby',
      visibility: 'PUBLIC',
    });
    await tell('room.created', `room:${cellar}`, {
      ...room,
      roomId: cellar,
      name: 'Kettle cellar',
      visibility: 'PRIVATE',
    });
    await tell('liveRoom.created', `live-room:${session}`, {
      liveRoomId: session,
      hostId: mira,
      title: 'Kettle session',
      topic: null,
      scheduledFor: null,
    });
    await tell('product.published', `product:${pack}`, {
      productId: pack,
      sellerId: mira,
      trackId: null,
      title: 'Kettle sounds',
      description: null,
      kind: 'SAMPLE_PACK',
    });
    await analytics.settled();
  });
  after(() => analytics.close());

  const search = async (query: string, more: object = {}) =>
    (await analytics.data(null, SEARCH, { query, ...more })).search;
  const found = async (query: string, more: object = {}): Promise<string[]> =>
    (await search(query, more)).edges.map((edge: { node: { id: string } }) => edge.node.id);

  it('finds PUBLIC things of all kinds by name, and nothing that is UNLISTED or PRIVATE [S16]', async () => {
    const { edges } = await search('kettle');
    const types = edges.map((edge: { node: { __typename: string } }) => edge.node.__typename);
    assert.deepEqual(types.toSorted(), ['LiveRoom', 'Product', 'Room', 'Track']);
    assert.deepEqual((await found('kettle')).toSorted(), [kettle, lobby, session, pack].toSorted());
  });

  it('finds people by name, handle and bio, tracks by tag, genre and description, products by kind', async () => {
    for (const query of ['okafor', 'mira', 'lyon', 'MÎRA ÖKAFOR'])
      assert.equal((await found(query, { kinds: ['USER'] }))[0], mira, query);
    for (const query of ['kitchen', 'ambient', 'ecoute', 'steam broken'])
      assert.deepEqual(await found(query, { kinds: ['TRACK'] }), [kettle], query);
    assert.deepEqual(await found('sample pack'), [pack]);
  });

  it('forgives typing errors and a last word that is cut short', async () => {
    for (const query of ['ketle', 'kettel half past', 'ket'])
      assert.ok((await found(query)).includes(kettle), query);
    assert.deepEqual(await found('okafro'), [mira]);
  });

  it('is limited to the kinds that are asked for', async () => {
    assert.deepEqual(await found('kettle', { kinds: ['ROOM'] }), [lobby]);
    assert.deepEqual(
      (await found('kettle', { kinds: ['ROOM', 'PRODUCT'] })).toSorted(),
      [lobby, pack].toSorted(),
    );
    assert.equal((await found('kettle', { kinds: [] })).length, 4);
  });

  it('puts the best match first and shows the matching piece, escaped', async () => {
    const { edges } = await search('kettle lobby');
    assert.equal(edges[0].node.id, lobby);
    assert.equal(edges[0].highlight, '<mark>Kettle</mark> <mark>lobby</mark>');
    const [steam] = (await search('steam')).edges;
    assert.equal(steam.highlight, 'Écoute: <mark>steam</mark> &amp; broken beats');
    const scores = edges.map(({ score }: { score: number }) => score);
    assert.deepEqual(
      scores,
      scores.toSorted((a: number, b: number) => b - a),
    );
  });

  it('pages through everything once, in the order of one big page', async () => {
    for (let index = 0; index < 7; index++) {
      const id = newId('Track');
      await analytics.tell(
        'track.published',
        `track:${id}`,
        trackTold(id, mira, { title: 'Same Old Pagination' }),
      );
    }
    await analytics.settled();
    const whole = await found('pagination');
    assert.equal(whole.length, 7);
    const paged: string[] = [];
    for (let cursor: string | null = null; ;) {
      const page = await search('pagination', { first: 3, after: cursor });
      paged.push(...page.edges.map((edge: { node: { id: string } }) => edge.node.id));
      assert.equal(page.pageInfo.hasPreviousPage, cursor !== null);
      if (!page.pageInfo.hasNextPage) break;
      cursor = page.pageInfo.endCursor;
    }
    assert.deepEqual(paged, whole);
  });

  it('lets popularity decide between equals, in finds and in suggestions', async () => {
    const ids = [newId('Track'), newId('Track')];
    for (const [index, id] of ids.entries()) {
      await analytics.tell(
        'track.published',
        `track:${id}`,
        trackTold(id, mira, { title: `Twinsong ${index}` }),
      );
    }
    await analytics.settled();
    for (const loved of ids.toReversed()) {
      const before = Array.from({ length: loved === ids[0] ? 8 : 2 }, () => play(loved));
      await recordPlays(analytics, mira, before);
      assert.equal((await found('twinsong'))[0], loved);
    }
    const { suggest } = await analytics.data(null, '{ suggest(prefix: "twins") }');
    assert.deepEqual(suggest, ['Twinsong 0', 'Twinsong 1']);
  });

  it('follows changes and deletions, and an old event that comes late changes nothing', async () => {
    const id = newId('Track');
    const stream = `track:${id}`;
    const told = (title: string) => trackTold(id, mira, { title });
    await analytics.tell('track.published', stream, told('Firsttitle'));
    await analytics.tell('track.updated', stream, told('Secondtitle'));
    await analytics.settled();
    assert.deepEqual([await found('firsttitle'), await found('secondtitle')], [[], [id]]);
    await analytics.tell('track.deleted', stream, { trackId: id, artistId: mira });
    await analytics.settled();
    await analytics.tell('track.updated', stream, told('Secondtitle'), { seq: 2 });
    await analytics.settled();
    assert.deepEqual(await found('secondtitle'), []);
  });

  it('forgets rooms that become private, live rooms that end and products that are archived', async () => {
    const [room, live, product] = [newId('Room'), newId('LiveRoom'), newId('Product')];
    const named = { ownerId: mira, topic: null, kind: 'CHANNEL' } as const;
    await analytics.tell('room.created', `room:${room}`, {
      ...named,
      roomId: room,
      name: 'Vanishing',
      visibility: 'PUBLIC',
    });
    await analytics.tell('liveRoom.created', `live-room:${live}`, {
      liveRoomId: live,
      hostId: mira,
      title: 'Vanishing',
      topic: null,
      scheduledFor: null,
    });
    await analytics.tell('product.published', `product:${product}`, {
      productId: product,
      sellerId: mira,
      trackId: null,
      title: 'Vanishing',
      description: null,
      kind: 'BEAT',
    });
    await analytics.settled();
    assert.equal((await found('vanishing')).length, 3);
    await analytics.tell('room.updated', `room:${room}`, {
      roomId: room,
      name: 'Vanishing',
      topic: null,
      visibility: 'PRIVATE',
    });
    await analytics.tell('liveRoom.ended', `live-room:${live}`, { liveRoomId: live, hostId: mira });
    await analytics.tell('product.archived', `product:${product}`, { productId: product, sellerId: mira });
    await analytics.settled();
    assert.deepEqual(await found('vanishing'), []);
    const [{ count } = { count: -1 }] = await analytics.rows<{ count: number }>(
      `select count(*)::int from search_document where title || names ilike '%vanishing%'`,
    );
    assert.equal(count, 0);
  });

  it('finds nothing for an empty, one-letter or wordless query, whatever it holds', async () => {
    for (const query of [
      '',
      '   ',
      'k',
      '!!!',
      "'",
      '%',
      '\u0000',
      '🎵',
      "' or 1=1 --",
      '\\',
      ':*',
      '&|!()',
      '<->',
    ])
      assert.deepEqual(await found(query), [], JSON.stringify(query));
    const hostile = `x' ${'| !( '.repeat(30)}`;
    assert.deepEqual(await found(hostile), []);
  });

  it('refuses a long query, sizes out of range and foreign cursors', async () => {
    const code = async (variables: object) => {
      const { errors } = await analytics.run(null, SEARCH, { query: 'kettle', ...variables });
      return errors?.[0]?.extensions?.['code'];
    };
    const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const bad = [
      { query: 'x'.repeat(201) },
      { first: 0 },
      { first: -1 },
      { first: 101 },
      { after: 'nonsense' },
      { after: cursor(['1', kettle]) },
      { after: cursor([1, 'a\u0000']) },
      { after: cursor([1]) },
    ];
    for (const variables of bad)
      assert.equal(await code(variables), 'BAD_USER_INPUT', JSON.stringify(variables));
    assert.equal(await code({ query: 'x'.repeat(200) }), undefined);
  });

  it('suggests names and titles by the begin of any of their words', async () => {
    const suggest = async (prefix: string, first = 8) =>
      (
        await analytics.data(null, 'query ($p: String!, $f: Int!) { suggest(prefix: $p, first: $f) }', {
          p: prefix,
          f: first,
        })
      ).suggest;
    assert.deepEqual(await suggest('oka'), ['Mira Okafor']);
    assert.deepEqual(await suggest('half p'), ['Kettle, Half Past Five']);
    assert.deepEqual(await suggest('kitch'), []);
    assert.equal((await suggest('k', 2)).length, 2);
    assert.deepEqual(await suggest("' | !"), []);
    const { errors } = await analytics.run(null, '{ suggest(prefix: "k", first: 21) }');
    assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
  });
});

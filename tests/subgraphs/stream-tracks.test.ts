import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { toneWav } from '../support/wav.ts';
import {
  logOf,
  must,
  mutate,
  newTrackInput,
  newUser,
  publish,
  refusals,
  startStream,
  uploadOf,
  type Stream,
} from './stream-kit.ts';

const TRACK = 'query ($id: ID!) { track(id: $id) { id title } }';
const TRACKS_OF = `query ($users: [_Any!]!, $first: Int, $after: String) { _entities(representations: $users) {
  ... on User { tracks(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } } }`;
const NO_TRACK = 'trk_00000000000000000000000000';

describe('tracks of the stream subgraph', () => {
  let stream: Stream;
  before(async () => void (stream = await startStream()));
  after(() => stream.close());

  const see = async (viewer: string | null, id: string) => (await stream.data(viewer, TRACK, { id })).track;
  const tracksOf = async (viewer: string | null, artist: string, args = {}) => {
    const users = [{ __typename: 'User', id: artist }];
    return (await stream.data(viewer, TRACKS_OF, { users, ...args }))._entities[0].tracks;
  };

  it('publishes a track with its audio, and says so once [F06]', async () => {
    const artist = newUser();
    const bytes = toneWav({ seconds: 3 });
    const extra = { genre: 'dub', tags: ['Tape'], bpm: 92.5, musicalKey: 'F#m', license: 'CC_BY' };
    const track = await publish(stream, artist, { ...extra, file: uploadOf(bytes), title: ' Tape B ' });
    assert.equal(track.title, 'Tape B');
    assert.deepEqual(track.genre, { slug: 'dub', name: 'Dub' });
    assert.deepEqual([track.audioFormat, track.durationMs, track.sizeBytes], ['WAV', 3_000, bytes.length]);
    assert.deepEqual([track.bpm, track.version, track.artist.id], [92.5, 1, artist]);
    const [event] = await stream.open.foundation.events.read(`track:${track.id}`);
    assert.equal(event?.name, 'track.published');
    assert.deepEqual(event?.payload, {
      trackId: track.id,
      artistId: artist,
      title: 'Tape B',
      description: null,
      genre: 'dub',
      tags: ['tape'],
      visibility: 'PUBLIC',
      durationMs: 3_000,
    });
  });

  it('keeps the very bytes, at an address that expires [F08]', async () => {
    const bytes = toneWav({ seconds: 1, hertz: 333 });
    const track = await publish(stream, newUser(), { file: uploadOf(bytes) });
    const url = new URL(track.audioUrl);
    assert.match(url.pathname, /^\/files\/tracks\/[0-9a-f-]{36}\.wav$/);
    assert.ok(Number(url.searchParams.get('expires')) > Date.now());
    const { files, database } = stream.open.foundation;
    const stored = await files.read(url.pathname.slice('/files/'.length));
    assert.deepEqual(Buffer.concat(await stored.toArray()), bytes);
    const [row] = await database.fork().execute('select sha256 from track where id = ?', [track.id]);
    assert.equal(row?.['sha256'], createHash('sha256').update(bytes).digest('hex'));
  });

  it('makes one track for one key, however often and at once it is uploaded', async () => {
    const artist = newUser();
    const upload = () =>
      must(stream, artist, 'uploadTrack', {
        input: newTrackInput({ clientMutationKey: 'the-same-key' }),
      });
    const payloads = await Promise.all(Array.from({ length: 5 }, upload));
    const ids = new Set([...payloads, await upload()].map(({ track }) => track.id));
    assert.equal(ids.size, 1);
    assert.deepEqual(await logOf(stream, `track:${[...ids][0]}`), ['track.published']);
    const other = await must(stream, newUser(), 'uploadTrack', {
      input: newTrackInput({ clientMutationKey: 'the-same-key' }),
    });
    assert.ok(!ids.has(other.track.id));
  });

  it('refuses what is no audio, nothing, and wrong details', async () => {
    const artist = newUser();
    const refused = (extra: object) =>
      refusals(stream, artist, 'uploadTrack', { input: newTrackInput({ ...extra }) });
    const png = uploadOf(Buffer.from('\x89PNG\r\n\x1a\n and more', 'latin1'));
    assert.deepEqual(await refused({ file: png }), ['ValidationError input,file UNSUPPORTED_FORMAT']);
    assert.deepEqual(await refused({ file: uploadOf(Buffer.alloc(0)) }), [
      'ValidationError input,file EMPTY_FILE',
    ]);
    assert.deepEqual(await refused({ genre: 'polka' }), ['ValidationError input,genre UNKNOWN_GENRE']);
    assert.deepEqual(await refused({ title: 'x'.repeat(151) }), ['ValidationError input,title TOO_LONG']);
    assert.deepEqual(await refused({ tags: ['null', 'a'] }), []);
    assert.equal((await tracksOf(artist, artist)).nodes.length, 1);
  });

  it('says that a file is too large where the transport cut it off', async () => {
    const cutOff = () =>
      Readable.from(
        (async function* () {
          yield toneWav();
          throw Object.assign(new Error('File truncated.'), { status: 413 });
        })(),
      );
    const input = newTrackInput({ file: uploadOf(Buffer.alloc(0), cutOff) });
    assert.deepEqual(await refusals(stream, newUser(), 'uploadTrack', { input }), [
      'ValidationError input,file FILE_TOO_LARGE',
    ]);
  });

  it('publishes nothing where the upload breaks off', async () => {
    const artist = newUser();
    const broken = () =>
      Readable.from(
        (async function* () {
          yield toneWav();
          throw Object.assign(new Error('The connection is gone.'), { status: 499 });
        })(),
      );
    const input = newTrackInput({ file: uploadOf(Buffer.alloc(0), broken) });
    const query =
      'mutation ($input: UploadTrackInput!) { uploadTrack(input: $input) { track { id } userErrors { message } } }';
    const { errors } = await stream.run(artist, query, { input });
    assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_REQUEST');
    assert.deepEqual((await tracksOf(artist, artist)).nodes, []);
  });

  it('changes details, counts versions, and refuses a version that is over', async () => {
    const artist = newUser();
    const { id } = await publish(stream, artist, { description: 'First.' });
    const update = { id, input: { title: 'Second', description: null }, expectedVersion: 1 };
    const { track } = await must(stream, artist, 'updateTrack', update);
    assert.deepEqual([track.title, track.description, track.version], ['Second', null, 2]);
    const { userErrors } = await mutate(stream, artist, 'updateTrack', update);
    assert.deepEqual([userErrors[0].__typename, userErrors[0].currentVersion], ['ConflictError', 2]);
    assert.deepEqual(await logOf(stream, `track:${id}`), ['track.published', 'track.updated']);
  });

  it('lets one of two writers with the same version win', async () => {
    const artist = newUser();
    const { id } = await publish(stream, artist);
    const write = (title: string) =>
      mutate(stream, artist, 'updateTrack', { id, input: { title }, expectedVersion: 1 });
    const outcomes = await Promise.all(['A', 'B', 'C', 'D'].map(write));
    assert.equal(outcomes.filter(({ userErrors }) => userErrors.length === 0).length, 1);
  });

  it('is the artist’s alone to change and delete', async () => {
    const [artist, other] = [newUser(), newUser()];
    const { id } = await publish(stream, artist);
    const hidden = await publish(stream, artist, { visibility: 'PRIVATE' });
    const change = (trackId: string) => ({ id: trackId, input: { title: 'Mine' } });
    assert.deepEqual(await refusals(stream, other, 'updateTrack', change(id)), ['ForbiddenError id']);
    assert.deepEqual(await refusals(stream, other, 'deleteTrack', { id }), ['ForbiddenError id']);
    // Nothing tells a private track from one that does not exist.
    for (const unknown of [hidden.id, NO_TRACK, 'nonsense', 'trk_\u0000']) {
      assert.deepEqual(await refusals(stream, other, 'updateTrack', change(unknown)), ['NotFoundError id']);
      assert.deepEqual(await refusals(stream, other, 'deleteTrack', { id: unknown }), ['NotFoundError id']);
      assert.equal(await see(other, unknown), null);
    }
  });

  it('deletes a track with its audio, and its key can be used anew', async () => {
    const artist = newUser();
    const track = await publish(stream, artist, { clientMutationKey: 'reusable-key' });
    const { trackId } = await must(stream, artist, 'deleteTrack', { id: track.id });
    assert.equal(trackId, track.id);
    assert.equal(await see(artist, track.id), null);
    const key = new URL(track.audioUrl).pathname.slice('/files/'.length);
    await assert.rejects(async () => (await stream.open.foundation.files.read(key)).toArray());
    assert.notEqual((await publish(stream, artist, { clientMutationKey: 'reusable-key' })).id, track.id);
  });

  it('shows PRIVATE tracks to the artist, UNLISTED ones by id, PUBLIC ones to all', async () => {
    const artist = newUser();
    const made = [];
    for (const visibility of ['PUBLIC', 'UNLISTED', 'PRIVATE'])
      made.push((await publish(stream, artist, { visibility })).id as string);
    const [open, unlisted, hidden] = made as [string, string, string];
    const ids = async (viewer: string | null) =>
      (await tracksOf(viewer, artist)).nodes.map(({ id }: { id: string }) => id);
    assert.deepEqual(await ids(artist), [hidden, unlisted, open]);
    assert.deepEqual(await ids(null), [open]);
    assert.equal((await see(null, unlisted)).id, unlisted);
    assert.equal(await see(newUser(), hidden), null);
    assert.equal((await see(artist, hidden)).id, hidden);
    const [event] = await stream.open.foundation.events.read(`track:${hidden}`);
    assert.ok(event?.name === 'track.published');
    assert.equal(event.payload.title, '');
  });

  it('pages through an artist’s tracks, and refuses wrong pages', async () => {
    const artist = newUser();
    const made = [];
    for (let i = 0; i < 5; i++) made.unshift((await publish(stream, artist)).id);
    const seen = [];
    for (let cursor: string | null = null; ;) {
      const page = await tracksOf(null, artist, { first: 2, after: cursor });
      seen.push(...page.nodes.map(({ id }: { id: string }) => id));
      if (!page.pageInfo.hasNextPage) break;
      cursor = page.pageInfo.endCursor;
    }
    assert.deepEqual(seen, made);
    const foreign = Buffer.from('["a","b"]').toString('base64url');
    for (const args of [{ first: 0 }, { first: -3 }, { first: 101 }, { after: 'x' }, { after: foreign }]) {
      const users = [{ __typename: 'User', id: artist }];
      const { errors } = await stream.run(null, TRACKS_OF, { users, ...args });
      assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT', JSON.stringify(args));
    }
  });

  it('wants everyone who changes anything to sign in', async () => {
    const { errors } = await stream.run(null, `mutation { deleteTrack(id: "${NO_TRACK}") { trackId } }`);
    assert.equal(errors?.[0]?.extensions?.['code'], 'UNAUTHENTICATED');
  });
});

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { Upload, type FileUpload } from 'graphql-upload-ts';
import { verifyFileUrl } from '#platform/files/file-url.ts';
import { userSubgraph, type UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import { startTestSubgraph, TEST_SECRET, type TestSubgraph } from '../support/subgraphs.ts';
import { registerUser } from '../support/users.ts';

const UPDATE = `mutation ($input: UpdateProfileInput!) {
  updateProfile(input: $input) {
    user { displayName bio links }
    userErrors { __typename field ... on ValidationError { rule } }
  }
}`;
const AVATAR = `mutation ($file: Upload!) {
  updateAvatar(file: $file) { user { avatarUrl } userErrors { ... on ValidationError { rule } } }
}`;
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

/** What the multipart reader hands to a resolver, over bytes in memory. */
function uploadOf(bytes: Buffer): Upload {
  const upload = new Upload();
  const createReadStream = () => Readable.from(bytes.length > 0 ? [bytes] : []);
  upload.resolve({
    filename: 'x',
    fieldName: 'file',
    mimetype: 'image/png',
    encoding: '7bit',
    createReadStream,
  } as unknown as FileUpload);
  return upload;
}

describe('profiles of the user subgraph', () => {
  let user: TestSubgraph<UserSubgraph>;
  before(async () => void (user = await startTestSubgraph(userSubgraph())));
  after(() => user.close());

  it('changes what is given, keeps what is left out and clears what is null [S07]', async () => {
    const { viewer } = await registerUser(user, 'editor');
    const update = async (input: object) => (await user.data(viewer, UPDATE, { input })).updateProfile.user;
    const links = ['https://example.org/'];
    assert.deepEqual(await update({ displayName: ' Ed ', bio: 'Hello', links }), {
      displayName: 'Ed',
      bio: 'Hello',
      links,
    });
    assert.deepEqual(await update({ bio: null }), { displayName: 'Ed', bio: null, links });
    assert.deepEqual(await update({ links: null }), { displayName: 'Ed', bio: null, links: [] });
  });

  it('refuses broken profiles and writes nothing of them', async () => {
    const { viewer } = await registerUser(user, 'breaker');
    const update = async (input: object) => (await user.data(viewer, UPDATE, { input })).updateProfile;
    const cases: [object, string][] = [
      [{ displayName: null }, 'REQUIRED'],
      [{ displayName: '   ' }, 'REQUIRED'],
      [{ displayName: 'x'.repeat(61) }, 'TOO_LONG'],
      [{ displayName: 'fine', bio: 'x'.repeat(501) }, 'TOO_LONG'],
      [{ bio: 'a\u0000b' }, 'INVALID_CHARACTERS'],
      [{ bio: '\ud800' }, 'INVALID_CHARACTERS'],
      [{ links: Array.from({ length: 6 }, () => 'https://example.org') }, 'TOO_MANY'],
    ];
    for (const [input, rule] of cases) {
      const { user: changed, userErrors } = await update(input);
      assert.equal(changed, null);
      assert.equal(userErrors[0].rule, rule);
    }
    assert.deepEqual((await update({})).user, { displayName: 'breaker', bio: null, links: [] });
  });

  it('refuses links that are not http addresses before anything runs', async () => {
    const { viewer } = await registerUser(user, 'linker');
    const { errors } = await user.run(viewer, UPDATE, { input: { links: ['javascript:alert(1)'] } });
    assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
  });

  it('stores a picture and gives a signed address for it [D06]', async () => {
    const { viewer } = await registerUser(user, 'pictured');
    const { updateAvatar } = await user.data(viewer, AVATAR, { file: uploadOf(PNG) });
    const key = verifyFileUrl(new URL(updateAvatar.user.avatarUrl), TEST_SECRET);
    assert.match(key ?? '', /^avatars\/[\w-]+\.png$/);
    assert.deepEqual(await buffer(await user.open.foundation.files.read(key!)), PNG);
  });

  it('refuses what is no picture, an empty file and one that is too large', async () => {
    const { viewer } = await registerUser(user, 'forger');
    const ruleOf = async (bytes: Buffer) =>
      (await user.data(viewer, AVATAR, { file: uploadOf(bytes) })).updateAvatar.userErrors[0].rule;
    assert.equal(await ruleOf(Buffer.from('<svg onload="alert(1)"/>')), 'UNSUPPORTED_FORMAT');
    assert.equal(await ruleOf(Buffer.alloc(0)), 'EMPTY_FILE');
    assert.equal(await ruleOf(Buffer.concat([PNG, Buffer.alloc(5 * 1024 * 1024)])), 'FILE_TOO_LARGE');
    const { viewer: account } = await user.data(viewer, '{ viewer { user { avatarUrl } } }');
    assert.equal(account.user.avatarUrl, null);
  });

  it('lets administrators alone set roles, and never removes the last one [X06]', async () => {
    const { viewer, id } = await registerUser(user, 'chief');
    const admin = { ...viewer, roles: ['USER', 'ADMIN'] };
    const setRoles = (caller: typeof viewer, roles: string[]) =>
      user.run(
        caller,
        `mutation ($id: ID!, $roles: [PlatformRole!]!) {
          setUserRoles(userId: $id, roles: $roles) { user { id } userErrors { __typename } }
        }`,
        { id, roles },
      );
    assert.equal((await setRoles(viewer, ['ADMIN'])).errors?.[0]?.extensions?.['code'], 'FORBIDDEN');
    assert.deepEqual((await setRoles(admin, ['ADMIN'])).data?.['setUserRoles'], {
      user: { id },
      userErrors: [],
    });
    assert.deepEqual((await setRoles(admin, ['ARTIST'])).data?.['setUserRoles'], {
      user: null,
      userErrors: [{ __typename: 'ConflictError' }],
    });
    assert.equal((await setRoles(admin, ['EMPEROR'])).errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
  });
});

describe('files of the user subgraph', () => {
  let user: TestSubgraph<UserSubgraph>;
  let nowMs = Date.now();
  before(async () => void (user = await startTestSubgraph(userSubgraph(), { now: () => new Date(nowMs) })));
  after(() => user.close());

  const hoursLater = async (hours: number) => {
    nowMs += hours * 3_600_000;
    await user.open.purge.purgeDue();
  };
  const isStored = async (key: string) => {
    const content = await user.open.foundation.files.read(key).catch(() => null);
    return content !== null && (await buffer(content)).length > 0;
  };
  const upload = async (viewer: Parameters<typeof user.data>[0]) => {
    const { updateAvatar } = await user.data(viewer, AVATAR, { file: uploadOf(PNG) });
    return verifyFileUrl(new URL(updateAvatar.user.avatarUrl), TEST_SECRET) ?? '';
  };

  it('are deleted a day after a picture was replaced, since its address was good for as long', async () => {
    const { viewer } = await registerUser(user, 'changing');
    const [first, second] = [await upload(viewer), await upload(viewer)];
    await hoursLater(24.9);
    assert.deepEqual([await isStored(first), await isStored(second)], [true, true]);
    await hoursLater(0.2);
    assert.deepEqual([await isStored(first), await isStored(second)], [false, true]);
  });

  it('are deleted, but for one, where several are uploaded at the same moment', async () => {
    const { viewer } = await registerUser(user, 'hasty');
    const keys = await Promise.all([upload(viewer), upload(viewer), upload(viewer)]);
    await hoursLater(25.1);
    const stored = await Promise.all(keys.map(isStored));
    assert.equal(stored.filter(Boolean).length, 1);
    const { viewer: account } = await user.data(viewer, '{ viewer { user { avatarUrl } } }');
    const kept = verifyFileUrl(new URL(account.user.avatarUrl), TEST_SECRET);
    assert.equal(kept, keys[stored.indexOf(true)]);
  });

  it('are deleted a day after a process has died between the upload and its end', async () => {
    const options = { contentType: 'image/png', maxBytes: 1_000, field: 'file' };
    await user.open.foundation.files.put('avatars/nobody.png', Readable.from([PNG]), options);
    assert.ok(await isStored('avatars/nobody.png'));
    await hoursLater(25.1);
    assert.ok(!(await isStored('avatars/nobody.png')));
  });
});

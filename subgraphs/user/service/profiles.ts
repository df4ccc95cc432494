import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { FileUpload } from 'graphql-upload-ts';
import type { Em } from '#platform/database.ts';
import { invalid, notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { FileStore } from '#platform/files/file-store.ts';
import { abandonFile, claimFile } from '#platform/files/unclaimed-files.ts';
import { isId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import {
  countOtherAdmins,
  findUsersById,
  saveAvatar,
  saveProfile,
  saveRoles,
} from '../data/user.repository.ts';
import { MAX_AVATAR_BYTES, pictureType } from '../domain/picture.ts';
import {
  acceptRoles,
  changeProfile,
  type PlatformRole,
  type ProfileChanges,
  type User,
} from '../domain/user.ts';

export interface Profiles {
  update(viewer: Viewer, changes: ProfileChanges): Promise<User>;
  updateAvatar(viewer: Viewer, file: Promise<FileUpload>): Promise<User>;
  setRoles(viewer: Viewer, userId: string, roles: readonly PlatformRole[]): Promise<User>;
}

export interface ProfilesDeps {
  readonly events: Events;
  readonly files: FileStore;
  readonly now: () => Date;
}

export function createProfiles({ events, files, now }: ProfilesDeps): Profiles {
  return {
    update: (viewer, changes) =>
      events.transact(async ({ em, append }) => {
        const user = await requireUser(em, viewer.userId, null);
        const profile = changeProfile(user, changes);
        await saveProfile(em, user.id, profile);
        return recordUpdate(append, { ...user, ...profile });
      }),

    async updateAvatar(viewer, file) {
      const key = await storePicture(files, await file);
      return events.transact(async ({ em, append }) => {
        const user = await requireUser(em, viewer.userId, null);
        const former = await saveAvatar(em, user.id, key);
        await claimFile(em, key);
        if (former !== null) await abandonFile(em, former, now());
        return recordUpdate(append, { ...user, avatarKey: key });
      });
    },

    setRoles: (viewer, userId, roles) =>
      events.transact(async ({ em, append }) => {
        const otherAdmins = await countOtherAdmins(em, userId);
        const user = await requireUser(em, userId, 'userId');
        const next = acceptRoles(user, roles, otherAdmins);
        await saveRoles(em, user.id, next);
        const payload = { userId: user.id, roles: [...next] };
        await append({
          stream: `user:${user.id}`,
          name: 'user.rolesChanged',
          payload,
          actorId: viewer.userId,
        });
        return { ...user, roles: next };
      }),
  };
}

async function recordUpdate(append: Transaction['append'], user: User): Promise<User> {
  const { id: userId, handle, displayName, bio } = user;
  const payload = { userId, handle, displayName, bio };
  await append({ stream: `user:${userId}`, name: 'user.profileUpdated', payload, actorId: userId });
  return user;
}

/** The user, or a refusal that blames `field`. */
export async function requireUser(em: Em, id: string, field: string | null): Promise<User> {
  const [user] = isId('User', id) ? await findUsersById(em, [id]) : [];
  if (!user) throw new Refusal(notFound(field, id, 'There is no such user.'));
  return user;
}

async function storePicture(files: FileStore, upload: FileUpload): Promise<string> {
  const { type, extension } = pictureType(await firstChunk(upload.createReadStream()));
  const key = `avatars/${randomUUID()}.${extension}`;
  const limits = { contentType: type, maxBytes: MAX_AVATAR_BYTES, field: 'file' };
  await files.put(key, upload.createReadStream(), limits);
  return key;
}

async function firstChunk(stream: Readable): Promise<Uint8Array> {
  for await (const chunk of stream as AsyncIterable<Uint8Array>) return chunk;
  throw new Refusal(invalid('file', 'EMPTY_FILE', 'The file is empty.'));
}

import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { PlatformRole } from '../domain/user.ts';

export const Account = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: {
    id: p.text().primary(),
    handle: p.text().unique(),
    email: p.text().unique(),
    passwordHash: p.text(),
    displayName: p.text(),
    bio: p.text().nullable(),
    links: p.array<string>().default([]),
    avatarKey: p.text().nullable(),
    roles: p.array<PlatformRole>().default(['USER']),
    followerCount: p.integer().default(0),
    followingCount: p.integer().default(0),
    failureCount: p.integer().default(0),
    failuresSince: p.datetime().nullable(),
    createdAt: p.datetime(),
  },
});

export type AccountRow = InferEntity<typeof Account>;

import { defineEntity, p } from '@mikro-orm/core';
import type { PresenceStatus } from '../domain/presence.ts';

export const PresenceEntity = defineEntity({
  name: 'Presence',
  tableName: 'presence',
  properties: {
    userId: p.text().primary(),
    status: p.text().$type<PresenceStatus>(),
    activity: p.text().nullable(),
    lastActiveAt: p.datetime(),
    expiresAt: p.datetime(),
  },
});

export const Block = defineEntity({
  name: 'Block',
  tableName: 'block',
  properties: {
    blockerId: p.text().primary(),
    blockedId: p.text().primary(),
  },
});

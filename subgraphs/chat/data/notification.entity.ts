import { defineEntity, p } from '@mikro-orm/core';
import type { NotificationKind } from '../domain/notification.ts';

export const NotificationEntity = defineEntity({
  name: 'Notification',
  tableName: 'notification',
  properties: {
    id: p.text().primary(),
    userId: p.text(),
    seq: p.integer(),
    kind: p.text().$type<NotificationKind>(),
    actorId: p.text(),
    subject: p.json(),
    at: p.datetime(),
    readAt: p.datetime().nullable(),
  },
});

/** Who follows whom, as the user subgraph tells. */
export const Follow = defineEntity({
  name: 'Follow',
  tableName: 'follow',
  properties: {
    followedId: p.text().primary(),
    followerId: p.text().primary(),
  },
});

import { defineEntity, p } from '@mikro-orm/core';

export const Follow = defineEntity({
  name: 'Follow',
  tableName: 'follow',
  properties: {
    followerId: p.text().primary(),
    followedId: p.text().primary(),
    createdAt: p.datetime(),
  },
});

export const Block = defineEntity({
  name: 'Block',
  tableName: 'block',
  properties: {
    blockerId: p.text().primary(),
    blockedId: p.text().primary(),
    createdAt: p.datetime(),
  },
});

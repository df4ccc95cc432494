import { defineEntity, p } from '@mikro-orm/core';

export const MessageEntity = defineEntity({
  name: 'Message',
  tableName: 'message',
  properties: {
    id: p.text().primary(),
    roomId: p.text(),
    authorId: p.text(),
    content: p.text().nullable(),
    seq: p.integer(),
    clientNonce: p.text(),
    revision: p.integer().default(1),
    replyToId: p.text().nullable(),
    trackId: p.text().nullable(),
    createdAt: p.datetime(),
    editedAt: p.datetime().nullable(),
    deletedAt: p.datetime().nullable(),
  },
});

export const Reaction = defineEntity({
  name: 'Reaction',
  tableName: 'reaction',
  properties: {
    messageId: p.text().primary(),
    emoji: p.text().primary(),
    userId: p.text().primary(),
    createdAt: p.datetime(),
  },
});

import { defineEntity, p } from '@mikro-orm/core';

/** Every play that was counted. The sums in play_quarter, play_day and subject_total are written with it, and can be recounted from it. */
export const PlayEntity = defineEntity({
  name: 'Play',
  tableName: 'play',
  properties: {
    caller: p.text().primary(),
    clientEventId: p.text().primary(),
    trackId: p.text(),
    listenerId: p.text().nullable(),
    playedAt: p.datetime(),
    msPlayed: p.integer(),
    receivedAt: p.datetime(),
  },
});

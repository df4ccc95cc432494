import type { Events } from '#platform/events/events.ts';
import { deleteBlock, insertBlock } from './data/block.repository.ts';
import { blocksTopic } from './service/live-topics.ts';
import { presenceTopic } from './service/presence-keeper.ts';

/** Who has blocked whom, as the user subgraph tells: it decides about direct rooms, about being added to rooms, and about presence. */
export function registerReactions(events: Events): void {
  events.consume(
    'chat-blocks',
    ['user.blocked', 'user.unblocked'],
    async ({ name, payload }, { em, tell }) => {
      const { blockerId, blockedId } = payload;
      if (name === 'user.blocked') await insertBlock(em, blockerId, blockedId);
      else await deleteBlock(em, blockerId, blockedId);
      for (const userId of [blockerId, blockedId]) tell(blocksTopic(userId), {});
      tell(presenceTopic(blockerId), { userId: blockerId });
    },
  );
}

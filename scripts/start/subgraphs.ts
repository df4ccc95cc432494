import { openSubgraph, type OpenSubgraph } from '#platform/subgraph-process.ts';
import { analyticsSubgraph } from '../../subgraphs/analytics/subgraph.ts';
import { chatSubgraph } from '../../subgraphs/chat/subgraph.ts';
import { commerceSubgraph } from '../../subgraphs/commerce/subgraph.ts';
import { streamSubgraph } from '../../subgraphs/stream/subgraph.ts';
import { userSubgraph, type UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import type { Base } from './base.ts';
import type { SubgraphName } from './environment.ts';
import type { Media } from './media.ts';

export interface OpenSubgraphs {
  readonly user: OpenSubgraph<UserSubgraph>;
  /** All of them, in the order in which their demo data is made. */
  readonly all: readonly OpenSubgraph[];
  close(): Promise<void>;
}

/** Opens all five on their databases; consumers run before anything is published, so that no event finds nobody. */
export async function openSubgraphs(base: Base, media: Media): Promise<OpenSubgraphs> {
  const on = (name: SubgraphName) => ({ ...base, databaseUrl: base.databases.urlOf(name) });
  const [user, ...others] = await Promise.all([
    openSubgraph(userSubgraph(), on('user')),
    openSubgraph(chatSubgraph(), on('chat')),
    openSubgraph(streamSubgraph({ media }), on('stream')),
    openSubgraph(commerceSubgraph(), on('commerce')),
    openSubgraph(analyticsSubgraph(), on('analytics')),
  ]);
  const all = [user, ...others];
  for (const subgraph of all) await subgraph.startConsuming();
  for (const subgraph of all) subgraph.startPublishing();
  return { user, all, close: async () => void (await Promise.all(all.map((subgraph) => subgraph.close()))) };
}

import { runProcess } from '#platform/process.ts';
import { startSubgraphProcess } from '#platform/subgraph-process.ts';
import { DEFAULT_PORT } from './environment.ts';
import { analyticsSubgraph } from './subgraph.ts';

await runProcess(() => startSubgraphProcess(analyticsSubgraph(), DEFAULT_PORT, process.env));

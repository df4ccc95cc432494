import { runProcess } from '#platform/process.ts';
import { startSubgraphProcess } from '#platform/subgraph-process.ts';
import { DEFAULT_PORT } from './environment.ts';
import { commerceSubgraph } from './subgraph.ts';

await runProcess(() => startSubgraphProcess(commerceSubgraph(), DEFAULT_PORT, process.env));

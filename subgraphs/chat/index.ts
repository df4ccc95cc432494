import { runProcess } from '#platform/process.ts';
import { startSubgraphProcess } from '#platform/subgraph-process.ts';
import { DEFAULT_PORT } from './environment.ts';
import { chatSubgraph } from './subgraph.ts';

await runProcess(() => startSubgraphProcess(chatSubgraph(), DEFAULT_PORT, process.env));

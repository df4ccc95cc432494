import { runProcess } from '#platform/process.ts';
import { startSubgraphProcess } from '#platform/subgraph-process.ts';
import { DEFAULT_PORT } from './environment.ts';
import { userSubgraph } from './subgraph.ts';

await runProcess(() => startSubgraphProcess(userSubgraph(), DEFAULT_PORT, process.env));

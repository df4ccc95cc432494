import { subgraphVariables } from '#platform/subgraph-process.ts';

export const DEFAULT_PORT = 4004;
export const commerceEnvironment = subgraphVariables('commerce', DEFAULT_PORT);

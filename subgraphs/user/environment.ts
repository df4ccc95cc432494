import { subgraphVariables } from '#platform/subgraph-process.ts';

export const DEFAULT_PORT = 4001;
export const userEnvironment = subgraphVariables('user', DEFAULT_PORT);

import { subgraphVariables } from '#platform/subgraph-process.ts';

export const DEFAULT_PORT = 4005;
export const analyticsEnvironment = subgraphVariables('analytics', DEFAULT_PORT);

import { subgraphVariables } from '#platform/subgraph-process.ts';

export const DEFAULT_PORT = 4002;
export const chatEnvironment = subgraphVariables('chat', DEFAULT_PORT);

import { readEnvironment } from '#platform/environment.ts';
import { runProcess } from '#platform/process.ts';
import { startSubgraphProcess } from '#platform/subgraph-process.ts';
import { DEFAULT_PORT, streamEnvironment, streamOptions } from './environment.ts';
import { streamSubgraph } from './subgraph.ts';

await runProcess(() => {
  const options = streamOptions(readEnvironment(streamEnvironment, process.env));
  return startSubgraphProcess(streamSubgraph(options), DEFAULT_PORT, process.env);
});

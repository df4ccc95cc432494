/**
 * Composes the subgraphs that supergraph.yaml names (rover's format) and writes schema/supergraph.graphql.
 * `--config FILE` and `--output FILE` choose other files. Composition errors, and hints about definitions that differ, exit with 1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';

const configSchema = z.object({
  federation_version: z.string(),
  subgraphs: z.record(z.string(), z.object({ routing_url: z.url(), schema: z.object({ file: z.string() }) })),
});

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    config: { type: 'string', default: resolve(root, 'supergraph.yaml') },
    output: { type: 'string', default: resolve(root, 'schema/supergraph.graphql') },
  },
});

const { subgraphs } = configSchema.parse(parseYaml(readFileSync(values.config, 'utf8')));
const services = Object.entries(subgraphs).map(([name, { routing_url: url, schema }]) => ({
  name,
  url,
  typeDefs: parse(readFileSync(resolve(dirname(values.config), schema.file), 'utf8')),
}));
const result = composeServices(services);
const drifting = (result.hints ?? []).filter(({ definition }) => definition.code.startsWith('INCONSISTENT'));
for (const problem of [...(result.errors ?? []), ...drifting]) console.error(problem.message);
if (result.errors || drifting.length > 0) process.exit(1);
writeFileSync(values.output, result.supergraphSdl);

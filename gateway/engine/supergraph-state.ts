import { parse, type DocumentNode, type GraphQLSchema } from 'graphql';
import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, Supergraph, type Schema } from '@apollo/federation-internals';
import { QueryPlanner } from '@apollo/query-planner';
import { CodedError, messageOf } from '#platform/errors.ts';
import { readOverrideLabels } from './override-labels.ts';
import type { TakenNames } from './private-names.ts';
import { readRequiredFields } from './required-fields.ts';

// The gateway package family reports usage to its vendor unless told otherwise.
process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';

/** Everything derived from one supergraph. Immutable: another supergraph is another state. */
export interface SupergraphState {
  readonly sdl: string;
  /** What clients may ask for: validate and project with this one. */
  readonly apiSchema: GraphQLSchema;
  /** With the inaccessible parts: plan and read `requires` with this one. */
  readonly fullSchema: GraphQLSchema;
  /** `apiSchema` as the planner's own kind of schema. */
  readonly plannerSchema: Schema;
  readonly planner: QueryPlanner;
  /** Subgraph name → routing URL; the URL may be empty. */
  readonly subgraphs: ReadonlyMap<string, string>;
  readonly takenNames: TakenNames;
  /** Labels of progressive `@override`, sorted. */
  readonly overrideLabels: readonly string[];
  /** Those that plans take to hold. */
  readonly overrides: Map<string, boolean>;
}

/** Builds and validates. Throws a CodedError that says what is wrong with the SDL. Takes tens of milliseconds for a large one. */
export function createSupergraphState(sdl: string): SupergraphState {
  try {
    return build(sdl, parse(sdl));
  } catch (error) {
    const message = `The supergraph is not usable: ${messageOf(error)}`;
    throw new CodedError('INTERNAL_SERVER_ERROR', message, {}, error);
  }
}

function build(sdl: string, document: DocumentNode): SupergraphState {
  const supergraph = Supergraph.build(document, {
    supportedFeatures: ROUTER_SUPPORTED_SUPERGRAPH_FEATURES,
    validateSupergraph: true,
  });
  const plannerSchema = supergraph.apiSchema();
  const fullSchema = supergraph.schema.toGraphQLJSSchema();
  return {
    sdl,
    apiSchema: plannerSchema.toGraphQLJSSchema({ includeDefer: true }),
    fullSchema,
    plannerSchema,
    planner: new QueryPlanner(supergraph, { incrementalDelivery: { enableDefer: true } }),
    subgraphs: new Map(supergraph.subgraphsMetadata().map(({ name, url }) => [name, url])),
    takenNames: { fields: fieldNamesOf(fullSchema), required: readRequiredFields(document) },
    overrideLabels: readOverrideLabels(document),
    overrides: new Map(),
  };
}

function fieldNamesOf(schema: GraphQLSchema): Set<string> {
  return new Set(
    Object.values(schema.getTypeMap()).flatMap((type) =>
      'getFields' in type ? Object.keys(type.getFields()) : [],
    ),
  );
}

import { parse, type DocumentNode, type GraphQLSchema } from 'graphql';
import { DEFAULT_SUPPORTED_SUPERGRAPH_FEATURES, Supergraph, type Schema } from '@apollo/federation-internals';
import { QueryPlanner } from '@apollo/query-planner';
import { CodedError, messageOf } from '#platform/errors.ts';
import { readAuthorization, type Authorization } from './authorization/authorization.ts';
import type { Requirement } from './authorization/requirements.ts';
import { interfaceObjectsOf } from './incremental/plannable-defers.ts';
import { readOverrideLabels } from './override-labels.ts';
import './planner/search.ts';
import { MAX_WAYS } from './planner/ways.ts';
import { liftableFieldsOf, type LiftableFields } from './required/lifted-fields.ts';
import { separateRequiredFields, type RequiredFields } from './required/required-fields.ts';
import type { PlannedSupergraph } from './soundness/sound-plan.ts';
import { createSubgraphRules } from './soundness/subgraph-rules.ts';
import { createTypeSets } from './soundness/type-names.ts';
import { withUsableKeys } from './usable-keys.ts';

// The gateway package family reports usage to its vendor unless told otherwise.
process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';

/** Everything derived from one supergraph. Immutable: another supergraph is another state. */
export interface SupergraphState extends PlannedSupergraph {
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
  /** Names of all fields, also of those that are hidden from clients. */
  readonly fieldNames: ReadonlySet<string>;
  readonly required: RequiredFields;
  readonly interfaceObjects: ReadonlySet<string>;
  readonly liftable: LiftableFields;
  /** Labels of progressive `@override`, sorted. */
  readonly overrideLabels: readonly string[];
  /** Those that plans take to hold. */
  readonly overrides: Map<string, boolean>;
  /** Null where everybody may see everything. */
  readonly authorization: Authorization | null;
  /** What plans take the caller not to meet. */
  readonly unmet: ReadonlySet<Requirement>;
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

/** What is done as it says. A supergraph that demands anything else for security or execution is refused: nobody would notice it not to hold. */
const SUPPORTED_FEATURES = new Set([
  ...DEFAULT_SUPPORTED_SUPERGRAPH_FEATURES,
  'https://specs.apollo.dev/authenticated/v0.1',
  'https://specs.apollo.dev/requiresScopes/v0.1',
  'https://specs.apollo.dev/policy/v0.1',
  'https://specs.apollo.dev/context/v0.1',
  'https://specs.apollo.dev/cost/v0.1',
  'https://specs.apollo.dev/cacheTag/v0.1',
]);

const readSupergraph = (document: DocumentNode, validateSupergraph: boolean) =>
  Supergraph.build(document, { supportedFeatures: SUPPORTED_FEATURES, validateSupergraph });

function build(sdl: string, document: DocumentNode): SupergraphState {
  const supergraph = readSupergraph(document, true);
  const required = separateRequiredFields(withUsableKeys(document));
  const plannerSchema = supergraph.apiSchema();
  const apiSchema = plannerSchema.toGraphQLJSSchema({ includeDefer: true });
  const fullSchema = supergraph.schema.toGraphQLJSSchema();
  return {
    sdl,
    apiSchema,
    fullSchema,
    plannerSchema,
    planner: createPlanner(supergraph, document, required),
    subgraphs: new Map(supergraph.subgraphsMetadata().map(({ name, url }) => [name, url])),
    fieldNames: fieldNamesOf(fullSchema),
    required,
    interfaceObjects: interfaceObjectsOf(document),
    liftable: liftableFieldsOf(document),
    overrideLabels: readOverrideLabels(document),
    overrides: new Map(),
    types: createTypeSets(fullSchema),
    rulesOf: createSubgraphRules(fullSchema, supergraph),
    authorization: readAuthorization(supergraph.schema, apiSchema),
    unmet: new Set(),
  };
}

/**
 * Where many subgraphs share fields, the ways to fetch an operation are as many as the products of its fields' ways. The planner compares so many of them
 * and leaves out the rest; a tenth of a millisecond each, in which the process does nothing else.
 */
const MAX_EVALUATED_PLANS = 3_000;

function createPlanner(
  supergraph: Supergraph,
  given: DocumentNode,
  { document, realNames }: RequiredFields,
): QueryPlanner {
  const config = {
    incrementalDelivery: { enableDefer: true },
    debug: { maxEvaluatedPlans: MAX_EVALUATED_PLANS, pathsLimit: MAX_WAYS },
  };
  if (document === given) return new QueryPlanner(supergraph, config);
  // The one that was given is valid. This one declares some external fields that nobody uses any more.
  const separated = readSupergraph(document, false);
  // Fields of a fetch that is divided must stand in it, not in a fragment.
  return new QueryPlanner(separated, { ...config, reuseQueryFragments: realNames.size === 0 });
}

function fieldNamesOf(schema: GraphQLSchema): Set<string> {
  return new Set(
    Object.values(schema.getTypeMap()).flatMap((type) =>
      'getFields' in type ? Object.keys(type.getFields()) : [],
    ),
  );
}

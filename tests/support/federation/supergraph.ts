import { buildSubgraphSchema, type GraphQLResolverMap } from '@apollo/subgraph';
import { composeServices } from '@apollo/composition';
import {
  createSourceEventStream,
  execute,
  parse,
  validate,
  type FormattedExecutionResult,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import type {
  SubgraphAnswer,
  SubgraphClient,
  SubgraphFetch,
} from '../../../gateway/engine/client/subgraph-client.ts';
import { createEngine } from '../../../gateway/engine/create-engine.ts';
import { createResultStream } from '../../../gateway/engine/result-stream.ts';
import type { Engine } from '../../../gateway/engine/engine.ts';
import type { LabelledOptions } from '../../../gateway/engine/override-labels.ts';
import { createLog } from '#platform/log.ts';
import type { GraphQLRequest, ResultStream, SubgraphEndpoint } from '#platform/subgraph-endpoint.ts';

export interface TestSubgraph {
  readonly typeDefs: string;
  readonly resolvers?: object;
  /** Answers fields that have no resolver. */
  readonly fieldResolver?: GraphQLFieldResolver<Record<string, unknown> | undefined, unknown>;
  readonly isFederation1?: boolean;
}
/** Federation 2's, unless it opts out by `isFederation1`. */
const linked = ({ typeDefs, isFederation1 = false }: TestSubgraph) =>
  parse(isFederation1 ? typeDefs : LINK + typeDefs);

export type TestSubgraphs = Readonly<Record<string, TestSubgraph>>;

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@requires",
  "@external", "@shareable", "@provides", "@interfaceObject", "@context", "@fromContext", "@override", "@inaccessible",
  "@authenticated", "@requiresScopes", "@policy"])\n`;

/** The supergraph of subgraphs; throws with every composition error. */
export function composeSupergraph(subgraphs: TestSubgraphs): string {
  const services = Object.entries(subgraphs).map(([name, subgraph]) => ({
    name,
    url: `http://${name}.invalid/graphql`,
    typeDefs: linked(subgraph),
  }));
  const { supergraphSdl, errors } = composeServices(services);
  if (!supergraphSdl) throw new Error(errors?.map(({ message }) => message).join('\n'));
  return supergraphSdl;
}

/** A subgraph executed by graphql-js. It validates what it is asked, as a server would. */
export function createTestEndpoint(subgraph: TestSubgraph): SubgraphEndpoint {
  const { resolvers = {}, fieldResolver } = subgraph;
  const schema = buildSubgraphSchema([
    { typeDefs: linked(subgraph), resolvers: resolvers as GraphQLResolverMap<unknown> },
  ]);
  return {
    execute: async (request, { headers }) => {
      const { document, errors } = check(schema, request);
      if (errors) return { errors };
      const variableValues = request.variables;
      return plain(
        await execute({ schema, document, variableValues, contextValue: { headers }, fieldResolver }),
      );
    },
    subscribe: async (request, { headers, signal }) => {
      const { document, errors } = check(schema, request);
      if (errors) return { errors };
      const args = {
        schema,
        document,
        variableValues: request.variables,
        contextValue: { headers },
        fieldResolver,
      };
      const source = await createSourceEventStream(args);
      if (!(Symbol.asyncIterator in source)) return plain(source);
      return results(source, async (rootValue) => plain(await execute({ ...args, rootValue })), signal);
    },
  };
}

function check(schema: GraphQLSchema, { query }: GraphQLRequest) {
  const document = parse(query);
  const errors = validate(schema, document).map((error) => error.toJSON());
  return errors.length > 0 ? { document, errors } : { document };
}

/** What would arrive over HTTP. */
const plain = (result: unknown): FormattedExecutionResult => JSON.parse(JSON.stringify(result));

function results(
  source: AsyncIterable<unknown>,
  map: (event: unknown) => Promise<FormattedExecutionResult>,
  signal: AbortSignal,
): ResultStream {
  const events = source[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await events.next();
    return done ? ({ value: undefined, done } as const) : { value: await map(value) };
  };
  return createResultStream(next, async () => void (await events.return?.()), signal);
}

export interface TestGateway {
  readonly engine: Engine;
  /** Every fetch that went to a subgraph, in order. */
  readonly fetches: (SubgraphFetch & { readonly subgraph: string })[];
  /** Takes the place of a subgraph's answers until it is deleted. */
  readonly replaced: Map<string, (request: SubgraphFetch) => Promise<SubgraphAnswer>>;
  readonly query: (
    query: string,
    variables?: Record<string, unknown>,
  ) => Promise<FormattedExecutionResult<Record<string, unknown>>>;
}

export const testScope = () => ({ headers: {}, signal: new AbortController().signal });

/** An engine over subgraphs of the same process. */
export function createTestGateway(
  subgraphs: TestSubgraphs,
  sdl = composeSupergraph(subgraphs),
  options: LabelledOptions = {},
): TestGateway {
  const fetches: TestGateway['fetches'] = [];
  const replaced: TestGateway['replaced'] = new Map();
  const endpoints = new Map(
    Object.entries(subgraphs).map(([name, subgraph]) => [name, createTestEndpoint(subgraph)]),
  );
  const clients = (name: string): SubgraphClient => {
    const endpoint = endpoints.get(name);
    if (!endpoint) throw new Error(`no test subgraph ${name}`);
    const client = createInProcessClient(endpoint);
    return {
      ...client,
      fetch: (request) => {
        fetches.push({ subgraph: name, ...request });
        return (replaced.get(name) ?? client.fetch)(request);
      },
    };
  };
  const engine = createEngine({ ...options, sdl, clients, log: createLog('test', 'silent') });
  const query: TestGateway['query'] = async (text, variables) =>
    resultOf(await engine.executeText({ query: text, variables }, testScope()));
  return { engine, fetches, replaced, query };
}

/** What a client reads, of whichever form the engine's answer is. */
export const resultOf = (answer: string | FormattedExecutionResult): FormattedExecutionResult =>
  JSON.parse(typeof answer === 'string' ? answer : JSON.stringify(answer));

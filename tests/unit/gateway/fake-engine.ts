import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { GatewayInterface } from '@apollo/server-gateway-interface';
import {
  buildSchema,
  execute,
  getOperationAST,
  GraphQLError,
  parse,
  printSchema,
  validate,
  type DocumentNode,
  type ExecutionResult,
  type FormattedExecutionResult,
} from 'graphql';
import type { Upload } from 'graphql-upload-ts';
import { isResultStream, type GraphQLRequest, type ResultStream } from '#platform/subgraph-endpoint.ts';
import type { Engine, EngineScope } from '../../../gateway/engine/engine.ts';
import { LiveEvent } from '../../../gateway/engine/live/live-event.ts';
import type { Subscriber } from '../../../gateway/engine/live/subscriber.ts';

const schema = buildSchema(/* GraphQL */ `
  scalar Upload
  type Query {
    hello(name: String = "world"): String!
    header(name: String!): String
    nullable: String
    broken: String
    leaky: String
    hanging: String
    nested: Query
  }
  type Mutation {
    rename(name: String!): String!
    upload(files: [Upload!]!): [String!]!
  }
  type Subscription {
    ticks(size: Int = 1): String!
    refused: String!
    log(name: String, after: String): Entry!
  }
  interface Entry {
    cursor: String!
  }
  type Line implements Entry {
    cursor: String!
    text: String!
  }
`);

/** The upstream of one subscription, in the hands of a test. */
export interface FakeUpstream {
  readonly request: GraphQLRequest;
  readonly headers: EngineScope['headers'];
  /** Where the transport says that it goes on. */
  readonly after: string | undefined;
  /** An event of `ticks`. */
  push(value: unknown): void;
  pushResult(result: FormattedExecutionResult): void;
  end(): void;
  /** Resolves when whoever subscribed let it go. */
  readonly returned: Promise<void>;
  /** How many events were taken from it. */
  taken: number;
}

export interface FakeEngine extends Engine {
  readonly gateway: GatewayInterface;
  /** Resolves with the upstream of the next subscription that starts. */
  nextUpstream(): Promise<FakeUpstream>;
  /** Resolves with the signal of the next `hanging` query. */
  nextHanging(): Promise<AbortSignal>;
  /** Answers every `hanging` query. */
  answerHanging(value: string): void;
  /** Mutations that ran. */
  readonly mutations: string[];
}

/** An engine over one schema in memory, which a test can drive and look into. */
export function createFakeEngine(): FakeEngine {
  const upstreams = createQueue<FakeUpstream>();
  const hanging = createQueue<AbortSignal>();
  const mutations: string[] = [];
  const answers = new EventEmitter<{ hanging: [string] }>();
  const rootValue = createRoot(mutations, answers, hanging.push);

  const run: Run = async (document, { operationName, variables: variableValues }, contextValue) =>
    execute({ schema, document, rootValue, contextValue, operationName, variableValues });

  const engine: FakeEngine = {
    apiSchema: schema,
    supergraphSdl: printSchema(schema),
    get mutationsEnded() {
      return mutations.length;
    },
    mutations,
    nextUpstream: upstreams.next,
    nextHanging: hanging.next,
    answerHanging: (value) => void answers.emit('hanging', value),
    async execute(request, scope) {
      const checked = check(request);
      return 'kind' in checked ? formatted(await run(checked, request, scope)) : refuse(checked);
    },
    executeInParts: (request, scope) => engine.execute(request, scope),
    executeDocumentInParts: (...document) => engine.executeDocument(...document),
    executeText: (request, scope) => engine.execute(request, scope),
    executeDocument: async (document, operationName, variables, scope) =>
      formatted(await run(document, { operationName, variables }, scope)),
    async subscribe(request, scope) {
      const checked = check(request);
      if (!('kind' in checked)) return refuse(checked);
      if (request.query.includes('refused'))
        return refuse([coded(new GraphQLError('Not for you.'), 'FORBIDDEN')]);
      const { upstream, stream } = createUpstream(request, scope);
      upstreams.push(upstream);
      return stream;
    },
    async follow(request, scope, subscriber) {
      const stream = await engine.subscribe(request, scope);
      if (!isResultStream(stream)) return stream;
      void followStream(stream, subscriber);
      return { stop: () => void stream.return() };
    },
    operationKind(request) {
      const checked = check(request);
      return 'kind' in checked ? (getOperationAST(checked, request.operationName)?.operation ?? null) : null;
    },
    guarded: () => [],
    liveCounts: () => ({ groups: 0, upstreams: 0, resumptions: 0 }),
    unsoundPlans: () => 0,
    operationCache: () => ({ hits: 0, misses: 0, evictions: 0, entries: 0, bytes: 0 }),
    swap: () => undefined,
    onSwap: () => () => undefined,
    close: async () => undefined,
    gateway: createGateway(run),
  };
  return engine;
}

/** At the subscriber's pace. */
async function followStream(stream: ResultStream, subscriber: Subscriber): Promise<void> {
  for await (const result of stream) {
    if (result.data === undefined) return subscriber.end(result);
    subscriber.next(new LiveEvent(result));
    await subscriber.busy();
  }
  subscriber.end(null);
}

type Run = (
  document: DocumentNode,
  request: Partial<GraphQLRequest>,
  scope: EngineScope,
) => Promise<ExecutionResult>;

const createGateway = (run: Run): GatewayInterface => ({
  onSchemaLoadOrUpdate(callback) {
    callback({ apiSchema: schema, coreSupergraphSdl: printSchema(schema) });
    return () => undefined;
  },
  load: async () => ({
    executor: ({ document, operationName, request, context }) =>
      run(document, { operationName, variables: request.variables }, context as EngineScope),
  }),
  stop: async () => undefined,
});

function check(request: GraphQLRequest): DocumentNode | readonly GraphQLError[] {
  try {
    const document = parse(request.query);
    const errors = validate(schema, document);
    return errors.length > 0 ? errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')) : document;
  } catch (error) {
    return [coded(error as GraphQLError, 'GRAPHQL_PARSE_FAILED')];
  }
}

const refuse = (errors: readonly GraphQLError[]) => ({ errors: errors.map((error) => error.toJSON()) });

function formatted(result: ExecutionResult): FormattedExecutionResult {
  if (!result.errors) return { data: result.data };
  // Variables that do not fit: nothing ran.
  if (result.data === undefined) return refuse(result.errors.map((error) => coded(error, 'BAD_USER_INPUT')));
  return { ...result, errors: result.errors.map((error) => error.toJSON()) };
}

const coded = (error: GraphQLError, code: string) =>
  new GraphQLError(error.message, { extensions: { code } });

function createRoot(
  mutations: string[],
  answers: EventEmitter<{ hanging: [string] }>,
  onHanging: (signal: AbortSignal) => void,
) {
  const root = {
    hello: ({ name }: { name: string }) => `Hello, ${name}`,
    header: ({ name }: { name: string }, { headers }: EngineScope) => headers[name] ?? null,
    nullable: () => null,
    broken: () => {
      throw new Error('password of the database: 1234');
    },
    leaky: () => {
      throw new GraphQLError('No.', { extensions: { code: 'FORBIDDEN', stacktrace: ['secret.ts:1'] } });
    },
    hanging: (_: unknown, { signal }: EngineScope) => {
      onHanging(signal);
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve('aborted'));
        answers.once('hanging', resolve);
      });
    },
    nested: (): object => root,
    rename: ({ name }: { name: string }) => (mutations.push(name), name),
    upload: async ({ files }: { files: Upload[] }) => {
      mutations.push('upload');
      return Promise.all(files.map(readUpload));
    },
  };
  return root;
}

async function readUpload(upload: Upload): Promise<string> {
  const { filename, createReadStream } = await upload.promise;
  return `${filename}: ${await text(Readable.from(createReadStream()))}`;
}

function createUpstream(
  request: GraphQLRequest,
  { headers, after }: EngineScope,
): { upstream: FakeUpstream; stream: ResultStream } {
  const returned = Promise.withResolvers<void>();
  const events = createQueue<FormattedExecutionResult | null>();
  const upstream: FakeUpstream = {
    request,
    headers,
    after,
    taken: 0,
    returned: returned.promise,
    push: (value) => events.push({ data: { ticks: value } }),
    pushResult: (result) => events.push(new LiveEvent(result, cursorIn(result)).result),
    end: () => events.push(null),
  };
  let isOver = false;
  const stream: ResultStream = {
    async next() {
      const value = isOver ? null : await events.next();
      if (value === null) return { done: true, value: undefined };
      upstream.taken += 1;
      return { done: false, value };
    },
    async return() {
      isOver = true;
      events.push(null);
      returned.resolve();
      return { done: true, value: undefined };
    },
    async throw(error) {
      throw error;
    },
    [Symbol.asyncIterator]: () => stream,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { upstream, stream };
}

/** As the engine knows it of events with a log. */
function cursorIn({ data }: FormattedExecutionResult): string | null {
  const cursor: unknown = Object(data?.['log']).cursor;
  return typeof cursor === 'string' ? cursor : null;
}

function createQueue<T>(): { push(value: T): void; next(): Promise<T> } {
  const values: T[] = [];
  const waiting: ((value: T) => void)[] = [];
  return {
    push(value) {
      const taker = waiting.shift();
      if (taker) taker(value);
      else values.push(value);
    },
    next: () =>
      values.length > 0
        ? Promise.resolve(values.shift() as T)
        : new Promise((resolve) => void waiting.push(resolve)),
  };
}

import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { TraceHeaders } from '#platform/tracing/trace-context.ts';
import type { Identity } from '../auth/auth.ts';
import type { Engine, EngineScope } from '../engine/engine.ts';
import type { Callers } from '../http/callers.ts';
import type { Compression } from '../http/compression.ts';
import { presentError } from '../http/errors.ts';
import { statusOf } from '../http/error-status.ts';
import { endWithText, setHead, type Exchange } from '../http/exchange.ts';
import { CONTENT_TYPES, type ResponseType } from '../http/media-types.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { readOperation } from './read-operation.ts';
import { createSharedRuns, keyOf } from './shared-runs.ts';

/** A POST that passed everything that comes before its operation. */
export interface FastCall extends Pick<
  Exchange,
  'request' | 'response' | 'head' | 'correlationId' | 'report'
> {
  readonly identity: Identity | null;
  readonly traceHeaders: TraceHeaders;
  readonly accept: ResponseType;
  /** The JSON body. */
  readonly text: string;
}

/**
 * Answers what is plain and valid without Apollo Server, byte for byte as it would be answered with it. Everything else is left to it: what is
 * malformed or refused, so that there is one place that words refusals, and what it alone does (batches, persisted queries).
 */
export interface FastPath {
  /** Resolves with false where the request is Apollo Server's to answer; nothing has run then. */
  answer(call: FastCall): Promise<boolean>;
}

export interface FastPathOptions {
  readonly engine: Engine;
  readonly callers: Callers;
  readonly metrics: GatewayMetrics;
  readonly compression: Compression;
  /** Whether equal queries that are under way at the same time share one run. */
  readonly sharing: boolean;
  /** Names, in lower case, of headers that change no answer. */
  readonly ignoredHeaders: readonly string[];
}

/** What an operation came to. Null: it was refused before it ran. */
type Outcome = Answer | null;

interface Answer {
  /** Where nothing failed, the same bytes for everybody; as text where it is short, since short text is written with the head in one piece. */
  readonly body: string | Buffer;
  readonly bodyBytes: number;
  /** Set where something failed: errors name the request that gets them. */
  readonly failed: FormattedExecutionResult | null;
}

/** From this many characters on, text is encoded once for all who share it. */
const BUFFER_FROM_CHARS = 16_384;

export function createFastPath(options: FastPathOptions): FastPath {
  const { engine, callers, metrics, compression, sharing, ignoredHeaders } = options;
  const ignored = new Set(ignoredHeaders);
  const runs = createSharedRuns<Outcome>();
  const run = async (operation: GraphQLRequest, scope: EngineScope) =>
    outcomeOf(await engine.executeText(operation, scope));
  const mutate = async (operation: GraphQLRequest, scope: Omit<EngineScope, 'signal'>, call: FastCall) => {
    const gone = new AbortController();
    call.response.once('close', () => call.response.writableFinished || gone.abort());
    return run(operation, { ...scope, signal: gone.signal });
  };
  const start = (call: FastCall, key: string, scope: Omit<EngineScope, 'signal'>) => {
    const operation = readOperation(call.text);
    const kind = operation && engine.operationKind(operation, scope.headers);
    if (!operation || (kind !== 'query' && kind !== 'mutation')) return null;
    if (kind === 'mutation') return mutate(operation, scope, call);
    return runs.start(key, (signal) => run(operation, { ...scope, signal })).join(call.response);
  };
  return {
    async answer(call) {
      const { correlationId, identity } = call;
      const scope = {
        headers: callers.headersOf(call),
        correlationId,
        ...(identity && { grants: identity.grants }),
      };
      const key = `${engine.mutationsEnded}\n${keyOf(scope, ignored, call.text)}`;
      const found = sharing ? runs.find(key) : undefined;
      const outcome = await (found?.join(call.response) ?? start(call, key, scope));
      if (!outcome) return false;
      metrics.operated('http');
      await send(call, outcome, compression);
      return true;
    },
  };
}

function outcomeOf(answer: string | FormattedExecutionResult): Outcome {
  if (typeof answer !== 'string') {
    const { data, errors } = answer;
    if (data === undefined && errors?.every(isRefusal)) return null;
    return errors ? { body: '', bodyBytes: 0, failed: answer } : outcomeOf(JSON.stringify(answer));
  }
  const body = answer.length < BUFFER_FROM_CHARS ? answer : Buffer.from(answer);
  return { body, bodyBytes: Buffer.byteLength(body), failed: null };
}

/** The engine checks variables before it begins. */
const isRefusal = ({ extensions }: GraphQLFormattedError) => extensions?.['code'] === 'BAD_USER_INPUT';

function send(call: FastCall, answer: Answer, compression: Compression): Promise<void> | void {
  const { body, bodyBytes, failed } = answer;
  return failed ? sendFailed(call, failed, compression) : sendBody(call, 200, body, bodyBytes, compression);
}

function sendBody(
  { request, response, head, accept }: FastCall,
  status: number,
  body: string | Buffer,
  bodyBytes: number,
  compression: Compression,
): Promise<void> | void {
  const coding = compression.codingFor(request, bodyBytes);
  if (coding) {
    response.statusCode = status;
    setHead(response, head);
    response.setHeader('content-type', CONTENT_TYPES[accept]);
    return compression.send(response, body, coding);
  }
  const own = ['content-type', CONTENT_TYPES[accept], 'content-length', `${bodyBytes}`];
  response.writeHead(status, [...head, ...own]);
  if (typeof body === 'string') endWithText(response, body, bodyBytes);
  else response.end(body);
}

function sendFailed(
  call: FastCall,
  result: FormattedExecutionResult,
  compression: Compression,
): Promise<void> | void {
  const { accept, correlationId, report } = call;
  const { data, extensions } = result;
  const errors = result.errors?.map((error) => presentError(error, correlationId)) ?? [];
  report.failed(errors);
  const status = data === undefined ? statusOf(errors, 400, accept) : 200;
  const text = JSON.stringify({ errors, data, extensions });
  return sendBody(call, status ?? 200, text, Buffer.byteLength(text), compression);
}

import { z } from 'zod';
import { DEFAULT_GRANT_CLAIMS } from './auth/grant-claims.ts';
import { coincidingTopics, subscriptionsOfAll, subscriptionsOfOne } from './config-subscriptions.ts';
import { COMPRESSION } from './http/compression.ts';
import { REQUEST_LIMITS } from './http/request.ts';
import { SOCKET_LIMITS } from './subscriptions/socket-limits.ts';

// Longer timers than this fire at once in Node.
const MAX_TIMER_MS = 2 ** 31 - 1;

const ms = z.number().int().min(1).max(MAX_TIMER_MS);
const delayMs = z.number().int().min(0).max(MAX_TIMER_MS);
const count = z.number().int().min(1);
const countOrNone = z.number().int().min(0);
const ratio = z.number().min(0).max(1);
const url = (protocol: RegExp) =>
  z.url({ protocol, error: `must be a URL whose scheme matches ${protocol.source}` });

/** What makes up the message itself, or the connection: rules about these would break the protocol. */
const PROTOCOL_HEADERS = new Set([
  ...['connection', 'content-encoding', 'content-length', 'content-type', 'expect', 'host', 'keep-alive'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'accept', 'accept-encoding'],
]);

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is no header name')
  .transform((name) => name.toLowerCase())
  .refine((name) => !PROTOCOL_HEADERS.has(name), 'belongs to the connection or the message');
const isOurs = (name: string) => name.startsWith('x-veza-');
// A client, or a slip in this file, could speak for somebody else.
const freeHeaderName = headerName.refine((name) => !isOurs(name), 'is a name of the platform itself');
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'is no header value');

const sections = {
  timeouts: z.strictObject({ connectMs: ms, headersMs: ms, bodyMs: ms }).partial(),
  retries: z
    .strictObject({
      attempts: count.max(10),
      baseDelayMs: delayMs,
      maxDelayMs: delayMs,
      budgetRatio: ratio,
      budgetMax: count,
    })
    .partial(),
  breaker: z
    .strictObject({
      enabled: z.boolean(),
      windowMs: ms,
      failureRatio: ratio.gt(0),
      minimumRequests: count,
      openMs: ms,
      halfOpenProbes: count,
    })
    .partial(),
  concurrency: z
    .strictObject({ maxConcurrent: count, maxQueued: countOrNone, maxWaitMs: ms, maxPipelined: count })
    .partial(),
  dedup: z.strictObject({ enabled: z.boolean(), ignoreHeaders: z.array(headerName) }).partial(),
  batching: z
    .strictObject({ enabled: z.boolean(), maxEntities: count, windowMs: delayMs.max(1_000) })
    .partial(),
  errors: z
    .strictObject({ mask: z.boolean(), allow: z.array(z.string()), hideService: z.boolean() })
    .partial(),
  headers: z
    .strictObject({
      forward: z.array(freeHeaderName),
      rename: z.record(freeHeaderName, freeHeaderName),
      set: z.record(freeHeaderName, headerValue),
      strip: z.array(headerName),
    })
    .partial(),
};

const forAll = z
  .strictObject({
    maxResponseBytes: count,
    passThrough: z.boolean(),
    ...sections,
    subscriptions: subscriptionsOfAll,
  })
  .partial();
const forOne = forAll.extend({
  subscriptions: subscriptionsOfOne.optional(),
  url: url(/^https?$/).optional(),
  subscriptionsUrl: url(/^(http|ws)s?$/).optional(),
});

const shedding = z.strictObject({
  maxConcurrent: count.default(1_000),
  maxQueued: countOrNone.default(1_000),
  maxWaitMs: ms.default(5_000),
  maxHeapRatio: ratio.default(0.9),
  maxEventLoopLagMs: ms.default(1_000),
  retryAfterS: count.default(5),
});

const http = z.strictObject({
  bodyTimeoutMs: ms.default(REQUEST_LIMITS.bodyTimeoutMs),
  compression: z
    .strictObject({
      enabled: z.boolean().default(COMPRESSION.enabled),
      minBytes: countOrNone.default(COMPRESSION.minBytes),
    })
    .prefault({}),
});

const sockets = z.strictObject({
  maxMessageBytes: count.default(SOCKET_LIMITS.maxMessageBytes),
  maxOperations: count.default(SOCKET_LIMITS.maxOperations),
  initHeaders: z.array(freeHeaderName).default([]),
  initTimeoutMs: ms.default(SOCKET_LIMITS.initTimeoutMs),
  idleMs: ms.optional(),
  keepAliveMs: ms.default(SOCKET_LIMITS.keepAliveMs),
  stallMs: ms.default(SOCKET_LIMITS.stallMs),
  maxBufferedBytes: count.default(SOCKET_LIMITS.maxBufferedBytes),
  tokenGraceMs: ms.default(SOCKET_LIMITS.tokenGraceMs),
});

const rate = z.strictObject({ perS: z.number().positive(), burst: count });
const clients = z.strictObject({
  perAddress: z.strictObject({ requests: rate, sockets: rate, maxOpen: count }).partial().default({}),
  perIdentity: z.strictObject({ requests: rate, maxOpen: count }).partial().default({}),
});

const supergraph = z.strictObject({
  source: z.string().min(1).optional(),
  watch: z.boolean().default(true),
  debounceMs: delayMs.default(100),
  pollMs: ms.default(10_000),
  timeoutMs: ms.default(10_000),
  maxBackoffMs: ms.default(5 * 60_000),
  headers: z.record(headerName, headerValue).default({}),
});

const overrideLabels = z.strictObject({
  header: freeHeaderName.optional(),
  percent: z.record(z.string().min(1), z.number().min(0).max(100)).default({}),
});

const authorization = z.strictObject({
  rejectUnauthorized: z.boolean().default(false),
  scopesClaim: z.string().min(1).default(DEFAULT_GRANT_CLAIMS.scopesClaim),
  policiesClaim: z.string().min(1).default(DEFAULT_GRANT_CLAIMS.policiesClaim),
});

const shutdown = z.strictObject({
  delayMs: delayMs.default(0),
  socketsMs: delayMs.optional(),
  graceMs: delayMs.optional(),
});

/** The whole file. Everything is optional; an unknown key is an error, since it would be a setting that does nothing. */
export const configSchema = z.strictObject({
  requestDeadlineMs: ms.default(60_000),
  sharing: z.boolean().default(true),
  // `prefault` runs the inner defaults, too.
  shedding: shedding.prefault({}),
  http: http.prefault({}),
  sockets: sockets.prefault({}),
  clients: clients.prefault({}),
  supergraph: supergraph.prefault({}),
  overrideLabels: overrideLabels.prefault({}),
  authorization: authorization.prefault({}),
  shutdown: shutdown.prefault({}),
  subgraphs: z
    .object({ all: forAll.prefault({}) })
    .catchall(forOne)
    .prefault({})
    .superRefine((subgraphs, context) => {
      for (const { path, message } of coincidingTopics(subgraphs))
        context.addIssue({ code: 'custom', path: path.slice(1), message });
    }),
});

export type GatewayConfig = z.output<typeof configSchema>;
export type GivenSubgraph = z.output<typeof forOne>;

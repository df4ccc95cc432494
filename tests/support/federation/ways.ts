import type { FormattedExecutionResult } from 'graphql';
import type { HttpListener } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { createHttpClient } from '../../../gateway/engine/client/http.ts';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import type { SubgraphClient } from '../../../gateway/engine/client/subgraph-client.ts';
import { createEngine } from '../../../gateway/engine/create-engine.ts';
import { withBatching } from '../../../gateway/traffic/batching.ts';
import { withDedup } from '../../../gateway/traffic/dedup.ts';
import type { Ask } from './differential.ts';
import { serveTestGateway } from './served-gateway.ts';
import { createTestEndpoint, testScope, type TestSubgraphs } from './supergraph.ts';

/** A way for operations to be answered that is open; `close` frees all that it opened. */
export interface OpenWay {
  readonly ask: Ask;
  close(): Promise<void>;
}

/** Clients of subgraphs, by name. */
type Connect = (name: string) => SubgraphClient;

/** What must make no difference to any answer. */
export interface Way {
  readonly name: string;
  open(subgraphs: TestSubgraphs, supergraphSdl: string): Promise<OpenWay>;
}

/** Every way there is: a shortcut that is added to the gateway belongs here, switched on and switched off. */
export const WAYS: readonly Way[] = [
  { name: 'in process', open: async (subgraphs, sdl) => throughEngine(sdl, inProcess(subgraphs)) },
  {
    name: 'in process, equal fetches joined',
    open: async (subgraphs, sdl) => {
      const connect = inProcess(subgraphs);
      return throughEngine(sdl, (name) => withDedup(connect(name), { ignoreHeaders: [] }));
    },
  },
  {
    name: 'in process, fetches of entities batched',
    open: async (subgraphs, sdl) => {
      const connect = inProcess(subgraphs);
      const options = { maxEntities: 5, windowMs: 0, ignoreHeaders: [] };
      return throughEngine(sdl, (name) => withBatching(connect(name), options));
    },
  },
  overHttp('over HTTP', { passThrough: false }),
  overHttp('over HTTP, answers passed through', { passThrough: true }),
  overHttp('over HTTP, queries sharing connections', { maxPipelined: 3 }),
  throughGateway('the gateway by its fast path', { FAST_PATH: 'on' }),
  throughGateway('the gateway by Apollo Server', { FAST_PATH: 'off' }),
  throughGateway('the gateway without shortcuts', { FAST_PATH: 'off' }, { passThrough: false, dedup: false }),
];

function inProcess(subgraphs: TestSubgraphs): Connect {
  const endpoints = new Map(
    Object.entries(subgraphs).map(([name, subgraph]) => [name, createTestEndpoint(subgraph)]),
  );
  return (name) => createInProcessClient(endpoints.get(name) ?? missing(name));
}

function throughEngine(sdl: string, clients: Connect): OpenWay {
  const engine = createEngine({ sdl, clients, log: createLog('test', 'silent') });
  const ask: Ask = async (query, variables) => {
    const answer = await engine.executeText({ query, variables }, testScope());
    return JSON.parse(typeof answer === 'string' ? answer : JSON.stringify(answer));
  };
  return { ask, close: () => engine.close() };
}

interface Shortcuts {
  readonly passThrough?: boolean;
  readonly dedup?: boolean;
  readonly maxPipelined?: number;
}

function overHttp(name: string, shortcuts: Shortcuts): Way {
  return {
    name,
    async open(subgraphs, sdl) {
      const served = await serveAll(subgraphs);
      const { ask, close } = throughEngine(sdl, served.connect(shortcuts));
      return { ask, close: async () => void (await Promise.all([close(), served.close()])) };
    },
  };
}

function throughGateway(
  name: string,
  env: NodeJS.ProcessEnv,
  { passThrough = true, dedup = true }: Shortcuts = {},
): Way {
  return {
    name,
    async open(subgraphs, supergraphSdl) {
      const served = await serveAll(subgraphs);
      const yaml = `subgraphs: { all: { passThrough: ${passThrough}, dedup: { enabled: ${dedup} } } }`;
      const connect = served.connect({ passThrough });
      const gateway = await serveTestGateway({ supergraphSdl, connect, env, yaml });
      const close = async () => {
        await gateway.close();
        await served.close();
      };
      return { ask: (query, variables) => post(gateway.url, { query, variables }), close };
    },
  };
}

/** Every subgraph on a listener of its own. */
async function serveAll(subgraphs: TestSubgraphs) {
  const listeners = new Map<string, HttpListener>();
  for (const [name, subgraph] of Object.entries(subgraphs)) {
    const listener = await serveSubgraph({
      endpoint: createTestEndpoint(subgraph),
      host: '127.0.0.1',
      port: 0,
      checks: {},
      metrics: createMetrics(name),
      log: createLog(name, 'silent'),
    });
    listeners.set(name, listener);
  }
  const connect =
    ({ passThrough = false, maxPipelined = 1 }: Shortcuts): Connect =>
    (name) => {
      const { port } = listeners.get(name) ?? missing(name);
      return createHttpClient({ name, url: `http://127.0.0.1:${port}/graphql`, passThrough, maxPipelined });
    };
  const close = async () => void (await Promise.all([...listeners.values()].map((one) => one.close(0))));
  return { connect, close };
}

async function post(url: string, body: object): Promise<FormattedExecutionResult<Record<string, unknown>>> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await response.json()) as FormattedExecutionResult<Record<string, unknown>>;
}

function missing(name: string): never {
  throw new Error(`no test subgraph ${name}`);
}

import { CodedError } from '#platform/errors.ts';
import { CLIENT_ADDRESS_HEADER } from './auth/forwarded-headers.ts';
import { createApolloGateway, type FrontScope } from './engine/apollo-gateway.ts';
import type { SubgraphClient } from './engine/client/subgraph-client.ts';
import { createEngine } from './engine/create-engine.ts';
import type { Engine } from './engine/engine.ts';
import type { LabelledOptions } from './engine/override-labels.ts';
import { registerEngineMetrics } from './engine-metrics.ts';
import { warnOfGuardedParts } from './guarded-parts.ts';
import { createReferenceEngine } from './engine/reference/reference-engine.ts';
import { createFront, type Front, type FrontSettings } from './front.ts';
import { withSharedDocuments } from './fast-path/shared-documents.ts';
import { IDENTIFYING_HEADERS } from './traffic/identifying-headers.ts';
import { withDeadline } from './traffic/deadline.ts';
import { withHiddenServices } from './traffic/hidden-services.ts';

export interface GatewayDeps extends FrontSettings {
  readonly supergraphSdl: string;
  /** Makes the client of one subgraph; `url` is the routing URL of the SDL. */
  readonly clients: (name: string, url: string) => SubgraphClient;
  /** `reference`: plain ApolloGateway executes, slower and without subscriptions. */
  readonly engine?: 'engine' | 'reference';
  /** Which labels of progressive `@override` hold for a request, besides `percent(n)`. The reference engine takes none to hold. */
  readonly overrides?: Pick<LabelledOptions, 'overrideLabels' | 'overrideShares'>;
  /** Whether an operation is refused as a whole that asks for what its caller may not see. Unset: it runs without. */
  readonly rejectUnauthorized?: boolean;
  /** How long a client's query or mutation may take as a whole. Unset: as long as its client waits. */
  readonly requestDeadlineMs?: number;
  /** Whether errors keep the name of a subgraph to themselves. Unset: they name every one. */
  readonly isHidden?: (subgraph: string) => boolean;
}

export interface Gateway extends Front {
  readonly engine: Engine;
  /** `/health/ready` says no from now on, so that balancers send clients elsewhere; everything is still answered. */
  withdraw(): void;
}

/**
 * A gateway, ready to be mounted on `listen` of #platform/http.ts. The caller owns `auth` and closes it after the gateway.
 * Rejects with a CodedError where the SDL is no supergraph.
 *
 * An orderly end: `withdraw`, `drain`, then the listener's `close`, then the gateway's.
 */
export async function createGateway({ supergraphSdl, clients, ...settings }: GatewayDeps): Promise<Gateway> {
  const options = { sdl: supergraphSdl, clients, log: settings.log, tracing: settings.tracing ?? null };
  const isReference = settings.engine === 'reference';
  const served = isReference
    ? await createReferenceEngine(options)
    : createEngine({
        ...settings.overrides,
        ...options,
        cache: { rejectUnauthorized: settings.rejectUnauthorized ?? false },
        live: liveOptions(settings),
      });
  if (!settings.auth) warnOfGuardedParts(served, settings.log);
  const engine = limitedEngine(served, settings);
  // The route's context value is the scope itself (see graphql-route.ts).
  const apollo = createApolloGateway(sharedEngine(engine, settings), (context) => context as FrontScope);
  let isWithdrawn = false;
  const accepting = async () => {
    if (isWithdrawn) throw new CodedError('SERVICE_UNAVAILABLE', 'about to shut down');
  };
  if (settings.metrics) registerEngineMetrics(settings.metrics, engine);
  const front = await createFront(engine, apollo, { ...settings, checks: { ...settings.checks, accepting } });
  return {
    ...front,
    engine,
    withdraw: () => void (isWithdrawn = true),
    async close() {
      await front.close();
      await engine.close();
    },
  };
}

/** Of a caller whose events are those of another one. */
const UNSEEN_BY_EVENTS = ['user-agent', CLIENT_ADDRESS_HEADER];

const liveOptions = ({
  sharing = true,
  ignoredHeaders = IDENTIFYING_HEADERS,
}: Pick<FrontSettings, 'sharing' | 'ignoredHeaders'>) => ({
  sharing,
  ignoredHeaders: [...ignoredHeaders, ...UNSEEN_BY_EVENTS],
});

/** Plugins see, and may change, the result of every operation: with any, none is shared. */
function sharedEngine(
  engine: Engine,
  { plugins = [], sharing = true, ignoredHeaders = IDENTIFYING_HEADERS }: FrontSettings,
): Engine {
  return sharing && plugins.length === 0 ? withSharedDocuments(engine, ignoredHeaders) : engine;
}

function limitedEngine(
  engine: Engine,
  { requestDeadlineMs, isHidden }: Pick<GatewayDeps, 'requestDeadlineMs' | 'isHidden'>,
): Engine {
  const timed = requestDeadlineMs === undefined ? engine : withDeadline(engine, requestDeadlineMs);
  return isHidden ? withHiddenServices(timed, isHidden) : timed;
}

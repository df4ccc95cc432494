/** A shop that is killed in the middle of a checkout: `node commerce-crash-process.ts <database url> <buyer id> <checkout input> <moment>`. */
import { tmpdir } from 'node:os';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { createFileStore } from '#platform/files/file-store.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { openSubgraph } from '#platform/subgraph-process.ts';
import { signViewer, VIEWER_HEADER } from '#platform/viewer.ts';
import { testPaymentProvider } from '../../subgraphs/commerce/data/test-payment-provider.ts';
import type { PaymentProvider } from '../../subgraphs/commerce/domain/ports.ts';
import { commerceSubgraph } from '../../subgraphs/commerce/subgraph.ts';
import { TEST_SECRET } from '../support/subgraphs.ts';
import { CHECKOUT, NEVER_MS } from './commerce-shop.ts';

const [databaseUrl, userId, input, moment] = process.argv.slice(2);

const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
};

/** Kills the process right before or right after one of the provider's calls took effect. */
function deadly(provider: PaymentProvider): PaymentProvider {
  const dying = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    if (moment === `before ${name}`) die();
    const answer = await call();
    return moment === `after ${name}` ? die() : answer;
  };
  return {
    ...provider,
    authorise: (request) => dying('authorise', () => provider.authorise(request)),
    capture: (key) => dying('capture', () => provider.capture(key)),
  };
}

const open = await openSubgraph(
  commerceSubgraph({
    keeperPollMs: NEVER_MS,
    paymentProvider: (database) => deadly(testPaymentProvider(database)),
  }),
  {
    databaseUrl: databaseUrl!,
    durableBus: memoryDurableBus(),
    liveBus: memoryLiveBus(),
    files: await createFileStore({
      kind: 'disk',
      folder: tmpdir(),
      publicUrl: 'http://localhost:4000',
      secret: TEST_SECRET,
    }),
    secret: TEST_SECRET,
    log: createLog('test', 'silent'),
    metrics: createMetrics('test'),
  },
);
const viewer = signViewer({ userId: userId!, sessionId: 'ses_test', roles: [] }, TEST_SECRET);
await open.subgraph.endpoint.execute(
  { query: CHECKOUT, variables: { input: JSON.parse(input!) } },
  { headers: { [VIEWER_HEADER]: viewer }, signal: new AbortController().signal },
);
// Reached only where the moment to die never came.
process.exit(3);

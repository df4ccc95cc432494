import type { SubgraphClient } from '../engine/client/subgraph-client.ts';
import { AdmissionRefused, createAdmission, type AdmissionOptions } from './admission.ts';
import { NotSentError } from './refusal.ts';

/** Holds back what one subgraph is asked at the same time. Whoever finds the queue full, or waits too long in it, gets a NotSentError. */
export function withConcurrency(
  client: SubgraphClient,
  name: string,
  options: AdmissionOptions,
): SubgraphClient {
  const admission = createAdmission(options);
  return {
    ...client,
    async fetch(request) {
      const leave = await admission.enter(request.signal).catch((error: unknown) => {
        if (!(error instanceof AdmissionRefused)) throw error;
        throw new NotSentError(`The subgraph ${name} has too many requests waiting.`);
      });
      try {
        return await client.fetch(request);
      } finally {
        leave();
      }
    },
  };
}

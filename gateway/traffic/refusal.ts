import { CodedError } from '#platform/errors.ts';

/** The gateway itself did not send a request: the subgraph has nothing to do with it, and asking again at once is of no use. */
export class NotSentError extends CodedError {
  constructor(message: string, details: Readonly<Record<string, unknown>> = {}) {
    super('SUBGRAPH_UNAVAILABLE', message, details);
    this.name = 'NotSentError';
  }
}

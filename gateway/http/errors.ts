import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { SubsequentResult } from '../engine/engine.ts';
import type { RequestReport } from '../telemetry/report.ts';

const INTERNAL = 'INTERNAL_SERVER_ERROR';

/** What subgraphs of other makers may add to errors, and clients must not see. */
const PRIVATE_EXTENSIONS = ['stacktrace', 'exception', 'http'];

/** The form in which an error leaves the gateway: coded, with the correlation id, and masked where its cause is unknown. */
export function presentError(error: GraphQLFormattedError, correlationId: string): GraphQLFormattedError {
  const given = error.extensions ?? {};
  const code = typeof given['code'] === 'string' ? given['code'] : INTERNAL;
  const extensions: Record<string, unknown> = { ...given, code, correlationId };
  for (const name of PRIVATE_EXTENSIONS) delete extensions[name];
  const message = code === INTERNAL ? 'Internal server error.' : error.message;
  return { ...error, message, extensions };
}

/** A result as it leaves the gateway; the same object where nothing failed. */
export function presentResult(
  result: FormattedExecutionResult,
  correlationId: string,
): FormattedExecutionResult {
  if (!result.errors) return result;
  const errors = result.errors.map((error) => presentError(error, correlationId));
  return { ...result, errors };
}

/** As `presentResult`, for the parts of an answer that come later. What failed in them is reported. */
export function presentSubsequent(
  result: SubsequentResult,
  report: Pick<RequestReport, 'correlationId' | 'failed'>,
): SubsequentResult {
  const incremental = result.incremental.map((payload) => {
    if (!payload.errors) return payload;
    report.failed(payload.errors);
    return { ...payload, errors: payload.errors.map((error) => presentError(error, report.correlationId)) };
  });
  return { ...result, incremental };
}

/** What was thrown outside of an operation, as a result. Anything but a CodedError is logged whole and masked. */
export function failedResult(error: unknown, correlationId: string, log: Log): FormattedExecutionResult {
  if (!(error instanceof CodedError)) log.error({ err: error, correlationId }, 'request failed');
  const { message, details, code } =
    error instanceof CodedError ? error : new CodedError(INTERNAL, messageOf(error));
  return { errors: [presentError({ message, extensions: { ...details, code } }, correlationId)] };
}

import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { CodedError } from '#platform/errors.ts';
import { runTraced } from '#platform/tracing/traced-work.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import type { AnyEvent } from './ports.ts';

/**
 * A span for a reaction to an event that was written by recorded work. It begins a trace of its own, since nobody waits for it and it may come much later;
 * its link leads to the trace of its cause.
 */
export async function recordReaction(
  tracing: Tracing | null,
  consumer: string,
  { name, traceparent, correlationId }: AnyEvent,
  react: () => Promise<void>,
): Promise<void> {
  const attributes = {
    'veza.event.name': name,
    'veza.consumer': consumer,
    'veza.correlation_id': correlationId ?? undefined,
  };
  const kind = SpanKind.CONSUMER;
  const trace =
    traceparent && tracing ? tracing.follow(`react ${name}`, { traceparent }, { kind, attributes }) : null;
  if (!trace || !tracing) return react();
  const { span, headers } = trace;
  try {
    await runTraced({ tracing, headers }, react);
  } catch (error) {
    span.setAttribute('error.type', codeOf(error));
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

const codeOf = (error: unknown) => (error instanceof CodedError ? error.code : 'INTERNAL_SERVER_ERROR');

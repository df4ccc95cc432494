import type { Log } from '#platform/log.ts';
import { tracesUrl, type TracingEnvironment } from './environment.ts';
import type { Tracing } from './tracing.ts';

/** Null where traces are off; the SDK is not even loaded then. `service` is `service.name` unless OTEL_SERVICE_NAME says otherwise. */
export async function openTracing(
  environment: TracingEnvironment,
  service: string,
  log: Log,
): Promise<Tracing | null> {
  const url = tracesUrl(environment);
  if (url === null) return null;
  const { createOtlpTracing } = await import('./otlp-tracing.ts');
  const { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio } = environment;
  return createOtlpTracing({ url, service, sampler, ratio, log });
}

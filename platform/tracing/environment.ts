import { z } from 'zod';
import { variables } from '#platform/environment.ts';

/** Variables of every process that records traces, named by OpenTelemetry's specification. */
export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: variables
    .url(
      /^https?$/,
      'OpenTelemetry collector (OTLP over HTTP): turns traces on (docs/observability.md). Unset: off.',
    )
    .optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: variables
    .url(/^https?$/, 'Whole address for traces alone; goes before OTEL_EXPORTER_OTLP_ENDPOINT.')
    .optional(),
  OTEL_TRACES_SAMPLER: z
    .enum([
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ])
    .default('parentbased_always_on')
    .describe('Which traces are recorded; those that begin with parentbased_ follow the caller first.'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of traces that the ratio samplers record, 0 to 1.'),
  OTEL_SDK_DISABLED: z
    .enum(['true', 'false'])
    .default('false')
    .describe('true: no traces, whatever the other OTEL_ variables say.'),
} as const;

const shape = z.object(tracingVariables);
export type TracingEnvironment = z.infer<typeof shape>;

/** Where spans are sent to; null: nowhere. */
export function tracesUrl(environment: TracingEnvironment): string | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = environment;
  if (environment.OTEL_SDK_DISABLED === 'true') return null;
  if (own !== undefined) return own;
  return base === undefined ? null : `${base.replace(/\/$/, '')}/v1/traces`;
}

import type { GatewayConfig } from './config-schema.ts';
import type { LabelledOptions } from './engine/override-labels.ts';

/** The labels of progressive `@override` that the file gives a share of requests, and those that a request's header names. */
export function overridesFrom({
  overrideLabels: { header, percent },
}: GatewayConfig): Pick<LabelledOptions, 'overrideLabels' | 'overrideShares'> {
  if (header === undefined) return { overrideShares: percent };
  return {
    overrideShares: percent,
    overrideLabels: ({ headers }) => new Set(headers[header]?.split(',').map((label) => label.trim())),
  };
}

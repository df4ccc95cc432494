import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { GatewaySettings } from '../settings.ts';
import type { Place } from './stream-relay.ts';

export type Figures = MetricObjectWithValues<MetricValue<string>>[];

/** What a worker is to be. Its slot counts from 0; a worker that takes the place of another one has the same. */
export interface Assignment extends Place {
  /** As the primary has read and checked them: no worker reads files or arguments of its own. */
  readonly settings: GatewaySettings;
  readonly supergraphSdl: string;
}

/** What the primary asks of a worker. */
export interface WorkerProcedures {
  /** Resolves once it serves; rejects where it cannot. */
  start(assignment: Assignment): Promise<void>;
  /** Serves another supergraph; rejects where it is refused, and the one before serves on. */
  swap(supergraphSdl: string): Promise<void>;
  figures(): Promise<Figures>;
  /** Ends the worker in order. There is no answer but its end: exit code 0 where all went well. */
  stop(): Promise<void>;
}

/** What a worker asks of the primary. */
export interface PrimaryProcedures {
  /** The worker can be spoken to: what was said before is lost. */
  hello(): Promise<void>;
  /** The figures of all workers as one text. */
  metricsText(): Promise<string>;
}

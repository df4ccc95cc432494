import { SpanKind, SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api';
import { querySummary } from './query-summary.ts';
import { tracedWork } from './traced-work.ts';

const SYSTEM = 'postgresql';
const DEFAULT_PORT = 5432;

export interface DatabaseServer {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
}

/** Of every query of one database, by OpenTelemetry's conventions. */
export function serverAttributes({ host, port, database }: DatabaseServer): Attributes {
  return {
    'db.system.name': SYSTEM,
    'db.namespace': database,
    'server.address': host,
    'server.port': port === DEFAULT_PORT ? undefined : port,
  };
}

/** A CLIENT span below the recorded work that the query is a part of; any other query runs as it is. `query` has placeholders for its values. */
export function recordQuery<T>(server: Attributes, query: string, run: () => Promise<T>): Promise<T> {
  const work = tracedWork();
  if (!work) return run();
  const { text, operation } = querySummary(query);
  const attributes = { ...server, 'db.operation.name': operation, 'db.query.summary': text || undefined };
  const trace = work.tracing.child(text || SYSTEM, work.headers, { kind: SpanKind.CLIENT, attributes });
  return trace ? ended(trace.span, run) : run();
}

async function ended<T>(span: Span, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const state = sqlState(error);
    span.setAttributes({ 'db.response.status_code': state, 'error.type': state ?? nameOf(error) });
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : '_OTHER');

/** What PostgreSQL says; a connection that fails has a code of another kind. */
function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

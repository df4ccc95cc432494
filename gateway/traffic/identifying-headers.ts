import { DEADLINE_HEADER } from '#platform/deadline.ts';
import { CORRELATION_HEADER } from '../http/correlation.ts';

/** Tell one request from another without changing its answer; what differs in these only may share one. In lower case. */
export const IDENTIFYING_HEADERS: readonly string[] = [
  CORRELATION_HEADER,
  DEADLINE_HEADER,
  'traceparent',
  'tracestate',
];

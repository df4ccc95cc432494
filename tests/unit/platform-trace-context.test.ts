import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  checkedTraceHeaders,
  formatTraceparent,
  isSampled,
  parseTraceparent,
  requestFields,
  withTraceHeaders,
} from '#platform/tracing/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const VALID = `00-${TRACE}-${SPAN}-01`;

describe('W3C trace context', () => {
  test('is read, also in versions of the future', () => {
    for (const text of [VALID, `01-${TRACE}-${SPAN}-01-more`, `cc-${TRACE}-${SPAN}-03`])
      assert.deepEqual(parseTraceparent(text), {
        ...{ traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true },
      });
    const position = parseTraceparent(VALID);
    assert.equal(position && formatTraceparent(position), VALID);
  });

  test('is left alone where it is malformed', () => {
    const malformed = [
      undefined,
      '',
      7,
      `ff-${TRACE}-${SPAN}-01`,
      `${VALID}-more`,
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      VALID.toUpperCase(),
      `${VALID}\r\nx-veza-viewer: me`,
    ];
    for (const text of malformed) {
      assert.equal(parseTraceparent(text), null);
      assert.deepEqual(checkedTraceHeaders({ traceparent: text, tracestate: 'a=1' }), {});
    }
    for (const tracestate of [undefined, '', 'a=1\n', 'x'.repeat(513)])
      assert.deepEqual(checkedTraceHeaders({ traceparent: VALID, tracestate }), { traceparent: VALID });
  });

  test('says whether what it belongs to is recorded', () => {
    assert.equal(isSampled({ traceparent: VALID }), true);
    assert.equal(isSampled({ traceparent: `00-${TRACE}-${SPAN}-00` }), false);
    assert.equal(isSampled({}), false);
  });

  test('replaces that of other headers, and leaves those that renew themselves alive', () => {
    let reads = 0;
    const headers: Record<string, string> = { traceparent: 'old', tracestate: 'old=1', a: 'b' };
    Object.defineProperty(headers, 'live', { enumerable: true, get: () => String((reads += 1)) });
    const copy = withTraceHeaders(headers, { traceparent: VALID });
    assert.equal(reads, 0);
    assert.deepEqual({ ...copy }, { traceparent: VALID, a: 'b', live: '1' });
    assert.equal(copy['live'], '2');
    assert.equal(headers['traceparent'], 'old');
  });

  test('goes into log lines with the correlation id', () => {
    const headers = { 'x-correlation-id': 'request-12345', traceparent: VALID };
    assert.deepEqual(requestFields(headers), { correlationId: 'request-12345', traceId: TRACE });
    assert.deepEqual(requestFields({}), {});
  });
});

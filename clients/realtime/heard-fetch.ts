/**
 * `fetch` for event streams. A request that hears nothing for `silenceMs` is aborted: a dead network closes nothing. An event stream never ends
 * well, since what is complete says so before: graphql-sse could wait for ever behind an end that comes with the last event.
 */
export function fetchWhileHeard(
  fetch: typeof globalThis.fetch,
  silenceMs: number,
): (url: string, init: RequestInit) => Promise<Response> {
  return async (url, init) => {
    const giveUp = new AbortController();
    const abort = () => giveUp.abort(init.signal?.reason);
    if (init.signal?.aborted) abort();
    init.signal?.addEventListener('abort', abort);
    const inTime = async <T>(answer: Promise<T>): Promise<T> => {
      const timer = setTimeout(() => giveUp.abort(new Error('The server is silent')), silenceMs);
      return answer.finally(() => clearTimeout(timer));
    };
    const response = await inTime(fetch(url, { ...init, signal: giveUp.signal }));
    const { body, headers } = response;
    if (!body || !headers.get('content-type')?.startsWith('text/event-stream')) return response;
    return new Response(neverEnding(body, inTime), response);
  };
}

function neverEnding(
  body: ReadableStream<Uint8Array>,
  inTime: <T>(answer: Promise<T>) => Promise<T>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await inTime(reader.read());
      if (done) controller.error(new Error('The event stream has ended'));
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

import { Agent, errors, request as send } from 'undici';
import { multipartRequest, uploadsIn } from './multipart.ts';
import type { SubgraphFetch } from './subgraph-client.ts';
import { ByteList } from './http1/byte-list.ts';
import { abortError, PostTimeout, type PostAnswer } from './http1/exchange.ts';
import type { PoolSettings } from './http1/pool.ts';

export interface Uploader {
  /** Sends files as they arrive. Rejects as `Pool.post`. */
  upload(
    request: SubgraphFetch,
    accept: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<PostAnswer>;
  close(): Promise<void>;
}

/** Requests with files, which are streams: few and large, so that undici carries them. */
export function createUploader(settings: PoolSettings): Uploader {
  const { url, connectTimeoutMs, headersTimeoutMs, bodyTimeoutMs, maxConnections } = settings;
  const agent = new Agent({
    connections: maxConnections,
    connect: { timeout: connectTimeoutMs },
    headersTimeout: headersTimeoutMs,
    bodyTimeout: bodyTimeoutMs,
  });
  return {
    async upload(request, accept, given) {
      const { signal } = request;
      const { headers, body } = multipartRequest(request, await uploadsIn(request.variables), accept);
      const options = {
        method: 'POST',
        headers: { ...given, ...headers },
        body,
        signal,
        dispatcher: agent,
      } as const;
      try {
        const response = await send(url, options);
        const bytes = new ByteList(settings.maxResponseBytes);
        for await (const chunk of response.body) bytes.append(chunk);
        const retryAfter = response.headers['retry-after']?.toString();
        return { status: response.statusCode, retryAfter, text: bytes.text() };
      } catch (error) {
        throw isTimeout(error)
          ? new PostTimeout('no answer in time')
          : signal.aborted
            ? abortError(signal)
            : error;
      }
    },
    close: () => agent.close(),
  };
}

const isTimeout = (error: unknown) =>
  error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;

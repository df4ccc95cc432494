import { listen, type HttpListener } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics, type Metrics } from '#platform/metrics.ts';
import { createFront, type Front, type FrontSettings } from '../../../gateway/front.ts';
import { createFakeEngine, type FakeEngine } from './fake-engine.ts';

export interface FakeGateway {
  readonly engine: FakeEngine;
  readonly front: Front;
  readonly listener: HttpListener;
  readonly metrics: Metrics;
  /** Base address, without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

/** The real front on a real port, with an engine that a test drives. */
export async function startFakeGateway(settings: Partial<FrontSettings> = {}): Promise<FakeGateway> {
  const engine = createFakeEngine();
  const log = createLog('gateway', 'silent');
  const metrics = createMetrics('gateway');
  const front = await createFront(engine, engine.gateway, { auth: null, log, metrics, ...settings });
  const { routes, upgrades } = front;
  const listener = await listen({ host: '127.0.0.1', port: 0, routes, upgrades, log });
  return {
    engine,
    front,
    listener,
    metrics,
    url: `http://127.0.0.1:${listener.port}`,
    async close() {
      await front.drain(0);
      await listener.close(0);
      await front.close();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly data?: Record<string, unknown> | null;
    readonly errors?: {
      message: string;
      path?: readonly (string | number)[];
      extensions: Record<string, unknown>;
    }[];
  };
}

/** Sends a JSON body, given as a value or as raw text. */
export async function post(
  { url }: Pick<FakeGateway, 'url'>,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body),
  });
  return answerOf(response);
}

export async function answerOf(response: Response): Promise<Answer> {
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Answer['body'],
  };
}

/** The code of the first error, or undefined. */
export const codeOf = ({ body }: Answer) => body.errors?.[0]?.extensions['code'];

import {
  createSubscribingClient,
  type ClientName,
  type Listening,
  type Signal,
  type SubscribingClient,
} from '../support/subscribing-clients.ts';

/** What a test asks of the page that runs the clients. Handles are numbers, since nothing else of a page leaves it. */
export interface SubscriptionPage {
  open(name: ClientName, url: string): number;
  listen(client: number, query: string, variables?: Record<string, unknown>): number;
  next(listening: number): Promise<Signal>;
  stop(listening: number): void;
  dispose(client: number): void;
  /** An EventSource of the browser's own. */
  watch(url: string): number;
  /** What the next event carries: its data, read as JSON, and its id. */
  nextEvent(watched: number): Promise<WatchedEvent>;
  close(watched: number): void;
}

export interface WatchedEvent {
  readonly event: string;
  readonly id: string;
  readonly data: unknown;
}

declare global {
  var subscriptionPage: SubscriptionPage;
}

interface Watched {
  readonly source: EventSource;
  readonly events: WatchedEvent[];
  wake: () => void;
}

const clients: SubscribingClient[] = [];
const listenings: Listening[] = [];
const watched: Watched[] = [];

function watch(url: string): number {
  const own: Watched = { source: new EventSource(url), events: [], wake: () => undefined };
  for (const event of ['next', 'complete'])
    own.source.addEventListener(event, ({ data, lastEventId: id }: MessageEvent<string>) => {
      own.events.push({ event, id, data: data === '' ? null : JSON.parse(data) });
      own.wake();
    });
  return watched.push(own) - 1;
}

async function nextEvent(handle: number): Promise<WatchedEvent> {
  const own = required(watched, handle);
  for (;;) {
    const event = own.events.shift();
    if (event) return event;
    await new Promise<void>((resolve) => (own.wake = resolve));
  }
}

function required<T>(all: readonly T[], handle: number): T {
  const found = all[handle];
  if (found === undefined) throw new Error(`The page has no ${handle}.`);
  return found;
}

globalThis.subscriptionPage = {
  open: (name, url) => clients.push(createSubscribingClient(name, url)) - 1,
  listen: (client, query, variables) =>
    listenings.push(required(clients, client).listen(query, variables)) - 1,
  next: (handle) => required(listenings, handle).next(),
  stop: (handle) => required(listenings, handle).stop(),
  dispose: (handle) => required(clients, handle).dispose(),
  watch,
  nextEvent,
  close: (handle) => required(watched, handle).source.close(),
};

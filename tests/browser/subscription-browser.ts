import { chromium, type Page } from 'playwright-core';
import type { ClientName, SubscribingClient } from '../support/subscribing-clients.ts';
import { servePage } from './bundled-page.ts';
import type { WatchedEvent } from './subscription-page.ts';

/** A page in Chromium, of an origin of its own, that runs the published clients as a bundler hands them out. */
export interface SubscriptionBrowser {
  /** The origin of the page. */
  readonly origin: string;
  readonly page: Page;
  client(name: ClientName, url: string): SubscribingClient;
  /** Opens an EventSource of the browser's own. */
  watch(url: string): WatchedSource;
  close(): Promise<void>;
}

export interface WatchedSource {
  next(): Promise<WatchedEvent>;
  close(): Promise<void>;
}

export async function openSubscriptionBrowser(executablePath: string): Promise<SubscriptionBrowser> {
  const served = await servePage('subscription-page.ts');
  // Debian's Chromium has no sandbox where this process is root.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  await page.goto(served.origin);
  return {
    origin: served.origin,
    page,
    client: (name, url) => clientOf(page, name, url),
    watch(url) {
      const handle = page.evaluate((address) => subscriptionPage.watch(address), url);
      return {
        next: async () => page.evaluate((own) => subscriptionPage.nextEvent(own), await handle),
        close: async () => page.evaluate((own) => subscriptionPage.close(own), await handle),
      };
    },
    async close() {
      await browser.close();
      await served.close();
    },
  };
}

function clientOf(page: Page, name: ClientName, url: string): SubscribingClient {
  const client = page.evaluate(([own, address]) => subscriptionPage.open(own, address), [name, url] as const);
  return {
    listen(query, variables) {
      const handle = client.then((own) =>
        page.evaluate(([...given]) => subscriptionPage.listen(...given), [own, query, variables] as const),
      );
      return {
        next: async () => page.evaluate((own) => subscriptionPage.next(own), await handle),
        stop: () => void handle.then((given) => page.evaluate((own) => subscriptionPage.stop(own), given)),
      };
    },
    dispose: () => void client.then((given) => page.evaluate((own) => subscriptionPage.dispose(own), given)),
  };
}

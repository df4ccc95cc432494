import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { build, stop } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { dataFolder, startPlatformProcess, type PlatformProcess } from '../support/platform-process.ts';
import { requireChromium } from '../support/system-packages.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import {
  createFollowedRoom,
  FOLLOW_ROOM,
  type FollowedRoom,
  type RoomEventData,
} from '../system/followed-room.ts';

const program = await requireChromium();
const skip = 'missing' in program ? program.missing : false;
const PATIENCE_MS = 30_000;
const TRANSPORTS = [
  { transport: 'ws' },
  { transport: 'sse' },
  { transport: 'sse', singleConnection: true },
] as const;

/** The package as an application would bundle it, with `realtime.createRealtimeClient` for the page. */
async function bundleClient(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [new URL('../../clients/realtime/realtime-client.ts', import.meta.url).pathname],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'realtime',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  });
  // Its helper process would keep this one alive.
  await stop();
  return outputFiles[0]?.text ?? '';
}

describe('the realtime client in Chromium', { skip, timeout: 4 * PATIENCE_MS }, () => {
  let folder: Awaited<ReturnType<typeof dataFolder>>;
  let platform: PlatformProcess;
  let proxy: TcpProxy;
  let browser: Browser;
  let page: Page;
  before(async () => {
    if ('missing' in program) return;
    folder = await dataFolder();
    platform = await startPlatformProcess(folder.path);
    proxy = await startTcpProxy('127.0.0.1', Number(new URL(platform.url).port));
    browser = await chromium.launch({ executablePath: program.executablePath, args: ['--no-sandbox'] });
    // The explorer's page allows no script but its own.
    page = await browser.newPage({ bypassCSP: true });
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(`http://127.0.0.1:${proxy.port}/`);
    await page.addScriptTag({ content: await bundleClient() });
  });
  after(async () => {
    await browser?.close();
    await proxy?.close();
    await platform?.end('SIGTERM');
    await folder?.remove();
  });

  for (const mode of TRANSPORTS)
    test(`misses nothing of a room while its connection is cut: ${JSON.stringify(mode)}`, async () => {
      const room = await createFollowedRoom(platform.url);
      const { read, interruptions } = await follow(page, room, mode);
      for (let round = 0; round < 4; round++) {
        await room.write(2);
        await read(room.written);
        proxy.block();
        await room.write(2);
        proxy.open();
      }
      await read(room.written);
      assert.ok((await interruptions()) >= 4, 'the page has noticed');
    });
});

/** What the script leaves in the page. */
declare const realtime: typeof import('../../clients/realtime/realtime-client.ts');

/** Follows a room in the page, from its beginning. */
async function follow(page: Page, { variables, reader }: FollowedRoom, mode: (typeof TRANSPORTS)[number]) {
  const followed = await page.evaluateHandle(
    ({ document, variables, token, mode }) => {
      const contents: string[] = [];
      const followed = { contents, interruptions: 0 };
      const client = realtime.createRealtimeClient({
        url: `${location.origin}/graphql`,
        token: () => token,
        retry: { minDelayMs: 20, maxDelayMs: 500 },
        onRetry: () => (followed.interruptions += 1),
        ...mode,
      });
      const events = client.subscribe<RoomEventData>(document, variables);
      void (async () => {
        for await (const { data } of events) contents.push(data?.roomEvents.message?.content ?? 'no message');
      })();
      return followed;
    },
    { document: FOLLOW_ROOM, variables, token: reader.token, mode },
  );
  return {
    interruptions: () => followed.evaluate(({ interruptions }) => interruptions),
    /** Resolves once the page has read so much; fails where that is anything else. */
    async read(expected: readonly string[]) {
      await page.waitForFunction(([{ contents }, count]) => contents.length >= count, [
        followed,
        expected.length,
      ] as const);
      assert.deepEqual(await followed.evaluate(({ contents }) => contents), expected);
    },
  };
}

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { chromium, type Browser, type Page } from 'playwright-core';
import { requireChromium } from '../support/system-packages.ts';
import { startFakeGateway, type FakeGateway } from '../unit/gateway/fake-gateway.ts';

const EXAMPLES = [
  'query Welcome {\n  hello(name: "explorer")\n  shop: header(name: "x-shop")\n}',
  'subscription Ticks {\n  ticks\n}',
];
const chromiumProgram = await requireChromium();
const skip = 'missing' in chromiumProgram ? chromiumProgram.missing : false;

describe('the explorer page', { skip }, () => {
  let gateway: FakeGateway;
  let browser: Browser;
  before(async () => {
    if ('missing' in chromiumProgram) return;
    const { executablePath } = chromiumProgram;
    // Debian's Chromium has no sandbox where this process is root.
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    gateway = await startFakeGateway({
      explorer: { title: 'Veza', examples: EXAMPLES },
      forwardHeaders: ['x-shop'],
    });
  });
  after(async () => {
    await browser?.close();
    await gateway?.close();
  });

  test('opens with the examples, runs a query with headers, and asks nobody but the gateway', async () => {
    const { page, assertQuiet } = await openPage(browser, gateway.url, 'Welcome');
    await page.getByRole('tab', { name: 'Ticks' }).waitFor();
    await page.getByRole('region', { name: 'Headers' }).click();
    await page.keyboard.insertText('{"x-shop":"corner"}');
    await execute(page);
    await shown(page, '"hello": "Hello, explorer"');
    await shown(page, '"shop": "corner"');
    assertQuiet();
    await page.close();
  });

  test('shows the events of a subscription, and ends it', async () => {
    const own = await startFakeGateway({
      explorer: { title: 'Veza', examples: ['subscription Live {\n  ticks\n}'] },
    });
    const { page, assertQuiet } = await openPage(browser, own.url, 'Live');
    const started = own.engine.nextUpstream();
    await execute(page);
    const upstream = await started;
    upstream.push('first');
    await shown(page, '"ticks": "first"');
    upstream.push('second');
    await shown(page, '"ticks": "second"');
    await page.getByRole('button', { name: /^stop query/i }).click();
    await upstream.returned;
    assertQuiet();
    await page.close();
    await own.close();
  });

  test('may not run scripts of others, nor be framed', async () => {
    const response = await fetch(gateway.url);
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /script-src 'sha256-[^']+';/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe-eval|https?:/);
    const etag = response.headers.get('etag') ?? '';
    await response.arrayBuffer();
    assert.equal((await fetch(gateway.url, { headers: { 'if-none-match': etag } })).status, 304);
    const plain = await fetch(gateway.url, { headers: { 'accept-encoding': 'identity' } });
    assert.match(await plain.text(), /<title>Veza<\/title>/);
  });
});

/** Opens the page in a browser profile of its own, with the tab of `operation`; `assertQuiet` fails for errors and foreign requests. */
async function openPage(browser: Browser, address: string, operation: string) {
  const page = await browser.newPage();
  const foreign: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => {
    const url = request.url().replace(/^blob:/, '');
    if (!url.startsWith(new URL(address).origin) && !url.startsWith('data:')) foreign.push(url);
  });
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(address);
  await page.getByRole('tab', { name: operation }).click();
  const assertQuiet = () => assert.deepEqual({ foreign, complaints }, { foreign: [], complaints: [] });
  return { page, assertQuiet };
}

const execute = (page: Page) => page.getByRole('button', { name: /^execute query/i }).click();

/** Waits until the result pane shows `text`. */
const shown = (page: Page, text: string) => page.locator('.result-window', { hasText: text }).waitFor();

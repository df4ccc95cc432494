import { chromium, type Browser, type Page } from 'playwright-core';

/** Drives the page of a live room in a real Chromium. */

/** Below it, measured on a received track, there is nothing to hear. */
export const SILENCE = 0.005;
export const HEARD = 0.02;
export const PATIENCE_MS = 30_000;

/** A participant as pages show it. */
export interface Seen {
  readonly participantId: string;
}

/** Plays the file as the microphone's sound, over and over. */
export const launch = (executablePath: string, microphonePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-audio-capture=${microphonePath}`,
      '--autoplay-policy=no-user-gesture-required',
      '--disable-background-networking',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--mute-audio',
    ],
  });

export async function signIn(
  page: Page,
  { email, password }: { email: string; password: string },
): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in and join' }).click();
}

export const status = (page: Page, connection: string) =>
  page.locator(`#status[data-connection="${connection}"]`);
export const connected = (page: Page) => status(page, 'connected').waitFor();

/** Every state of the connection from now on; some last for milliseconds only. */
export async function recordStates(page: Page) {
  const states = await page.evaluateHandle(() => {
    const seen: (string | null)[] = [];
    const element = document.querySelector('#status');
    const observer = new MutationObserver(() => {
      const state = element?.getAttribute('data-connection') ?? null;
      if (seen.at(-1) !== state) seen.push(state);
    });
    if (element) observer.observe(element, { attributeFilter: ['data-connection'] });
    return seen;
  });
  const seen = (expected: string[]) =>
    page.waitForFunction(([seen, wanted]) => seen.join().includes(wanted), [
      states,
      expected.join(),
    ] as const);
  return { seen };
}
export const row = (page: Page, { participantId }: Seen) =>
  page.locator(`li[data-participant-id="${participantId}"]`);

export const showsQuality = (page: Page, { participantId }: Seen, quality: string): Promise<void> =>
  page.locator(`li[data-participant-id="${participantId}"][data-quality="${quality}"]`).waitFor();

export async function levelOf(page: Page, user: Seen, accepts: (level: number) => boolean): Promise<number> {
  // One look after every change of the attribute, which the page writes ten times a second.
  for (const deadlineMs = Date.now() + PATIENCE_MS; Date.now() < deadlineMs;) {
    const level = await nextLevel(page, user);
    if (accepts(level)) return level;
  }
  throw new Error(`the level of ${user.participantId} was never as expected`);
}

/** What was on its way is heard out; then ten measurements in a row, a second of audio, are silent. */
export async function staysSilent(page: Page, user: Seen): Promise<void> {
  let silent = 0;
  await levelOf(page, user, (level) => {
    silent = level < SILENCE ? silent + 1 : 0;
    return silent >= 10;
  });
}

/** Measures from now on for how long at a time nothing is heard of somebody. While the machine holds up the page itself, that does not count. */
export async function watchSilence(page: Page, user: Seen): Promise<{ longestMs(): Promise<number> }> {
  const watch = await row(page, user).evaluateHandle((element, silence) => {
    const [tickMs, maxTickMs] = [20, 100];
    const watch = { longestMs: 0 };
    let [ranMs, heardAtMs, tickedAtMs] = [0, 0, performance.now()];
    setInterval(() => {
      const nowMs = performance.now();
      ranMs += Math.min(nowMs - tickedAtMs, maxTickMs);
      tickedAtMs = nowMs;
    }, tickMs);
    new MutationObserver(() => {
      watch.longestMs = Math.max(watch.longestMs, ranMs - heardAtMs);
      if (Number(element.getAttribute('data-level')) >= silence) heardAtMs = ranMs;
    }).observe(element, { attributeFilter: ['data-level'] });
    return watch;
  }, SILENCE);
  return { longestMs: () => watch.evaluate(({ longestMs }) => longestMs) };
}

const nextLevel = (page: Page, user: Seen): Promise<number> =>
  row(page, user).evaluate(
    (element) =>
      new Promise<number>((resolve) => {
        const observer = new MutationObserver(() => {
          observer.disconnect();
          resolve(Number(element.getAttribute('data-level')));
        });
        observer.observe(element, { attributeFilter: ['data-level'] });
      }),
  );

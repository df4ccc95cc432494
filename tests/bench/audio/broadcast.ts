import { SILENT_FRAME } from '../../../media-server/domain/opus-packet.ts';
import { servePage } from '../../browser/bundled-page.ts';
import { launch, PATIENCE_MS } from '../../browser/live-page-driver.ts';
import { createTone } from '../../browser/tone.ts';
import { openBroadcast } from '../../media/broadcast-kit.ts';
import { toneOpus } from '../../media/sound.ts';
import { requireChromium, requireFfmpeg } from '../../support/system-packages.ts';
import { useBothCores } from '../gateway/processes.ts';
import { percentile, table } from '../table.ts';
import type { Settings } from './settings.ts';

const PACKET_MS = 20;
const TONE_HZ = 440;
const TONE_PACKETS = 25;
/** Longer than any delay; and no multiple of a part, so that words begin anywhere in one. */
const PERIOD_PACKETS = 407;
const PERIOD_MS = PERIOD_PACKETS * PACKET_MS;
const WORDS_PER_ROUND = 5;

export interface BroadcastFigures {
  /** From a speaker's packet to its sound in a listener's browser. */
  readonly broadcastDelayMs: number;
}

/** One who speaks a word every eight seconds, and a listener to the broadcast in Chromium: how late each word is heard. */
export async function broadcast({ rounds }: Settings): Promise<BroadcastFigures> {
  const [chromium, ffmpeg] = [await requireChromium(), await requireFfmpeg()];
  if ('missing' in chromium) throw new Error(chromium.missing);
  if ('missing' in ffmpeg) throw new Error(ffmpeg.missing);
  useBothCores();
  const kit = await openBroadcast(ffmpeg.executablePath);
  const word = toneOpus(ffmpeg.executablePath, TONE_HZ).slice(0, TONE_PACKETS);
  const pause = Array<Buffer>(PERIOD_PACKETS - TONE_PACKETS).fill(SILENT_FRAME);
  const speaker = await kit.stage.speaker('lpt_speaker', [...word, ...pause]);
  const [served, microphone] = [await servePage('broadcast-ear-page.ts'), await createTone()];
  const browser = await launch(chromium.executablePath, microphone.path);
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(served.origin);
  await page.waitForFunction(() => 'broadcastEar' in globalThis);

  const words = WORDS_PER_ROUND * rounds;
  await page.evaluate((url) => broadcastEar.play(url), kit.addressOf(null));
  const startedAtMs = Date.now();
  await speaker.speak((words + 1) * PERIOD_MS);
  const { onsetsMs, latency, targetLatency, problems } = await page.evaluate(() => broadcastEar.heard());
  await browser.close();
  await Promise.all([served.close(), microphone.remove(), kit.close()]);
  if (problems.length > 0 || onsetsMs.length < words)
    throw new Error(`${onsetsMs.length} of ${words} words were heard. ${problems.join(' ')}`);

  // What was said first was perhaps said before the player was there.
  const delays = onsetsMs.slice(-words).map((onsetMs) => (onsetMs - startedAtMs) % PERIOD_MS);
  const broadcastDelayMs = percentile(delays, 0.5);
  console.log(`\nbroadcast: from a speaker's packet to its sound in Chromium, ${words} words\n`);
  const figures = [broadcastDelayMs, delays[0], delays.at(-1)].map((ms) => ms?.toFixed(0) ?? '–');
  const behind = [latency, targetLatency].map((seconds) => ((seconds ?? Number.NaN) * 1_000).toFixed(0));
  const head = ['', 'p50 ms', 'min', 'max', 'behind the live edge ms', 'as the player means to be'];
  console.log(table(head, [['low-latency HLS', ...figures, ...behind]]));
  return { broadcastDelayMs };
}

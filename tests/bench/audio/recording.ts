import { setTimeout as delay } from 'node:timers/promises';
import { signBroadcastUrl } from '#platform/broadcast-url.ts';
import { newId } from '#platform/ids.ts';
import type { MediaControl } from '#schema/media-bus.ts';
import { SECRET } from '../../media/media-kit.ts';
import { toneOpus } from '../../media/sound.ts';
import { requireFfmpeg } from '../../support/system-packages.ts';
import { HlsListener } from '../../support/hls-listener.ts';
import { median } from '../gateway/bench.ts';
import { table } from '../table.ts';
import type { Settings } from './settings.ts';
import { openCrowd } from './soak/crowd.ts';
import { startObservedServer, type CpuTimes, type ObservedServer } from './soak/observed-server.ts';

const ROOMS = 5;
const SPEAKERS = 2;
const TONE_HZ = 440;
const MINUTE_US = 60e6;
const ASK_AGAIN_MS = 200;
const FINISH_MS = 60_000;

type Part = keyof CpuTimes;
/** Cores that a room takes, in percent of one, by what takes them. */
type Percents = Readonly<Record<Part, number>>;

export interface RecordingFigures {
  readonly rooms: number;
  readonly quiet: Percents;
  /** What is added to `quiet`. */
  readonly recorded: Percents;
  readonly broadcast: Percents;
  /** CPU time that mixing takes for each minute of a room, in ms. */
  readonly mixMsPerMinute: number;
}

/** Rooms with speakers that are neither recorded nor broadcast, then recorded, then broadcast: what each of the two costs for a room. */
export async function recording({
  seconds,
  rounds,
  seed,
}: Settings): Promise<{ recording: RecordingFigures }> {
  const ffmpeg = await requireFfmpeg();
  if ('missing' in ffmpeg) throw new Error(ffmpeg.missing);
  const sound = toneOpus(ffmpeg.executablePath, TONE_HZ).map((packet) => packet.toString('base64'));
  const server = await startObservedServer({ workerCount: 1 });
  const crowd = await openCrowd(server, { seed, rooms: ROOMS, speakers: SPEAKERS, listeners: 1, sound });
  const { liveRoomIds } = crowd;
  const measure = () => measured(server, seconds, rounds);

  await measured(server, seconds, 1);
  const quiet = await measure();
  const takes = liveRoomIds.map((liveRoomId) => ({ liveRoomId, recordingId: newId('Recording') }));
  const startedMs = performance.now();
  for (const take of takes) await order(server, { kind: 'startRecording', mode: 'BOTH', ...take });
  await until('all rooms are recorded', FINISH_MS, async () => (await server.recordings()) === ROOMS);
  const recorded = await measure();
  const beforeMix = server.cpuUs();
  for (const take of takes) await order(server, { kind: 'stopRecording', ...take });
  const recordedUs = (performance.now() - startedMs) * 1_000;
  await until('all recordings are finished', FINISH_MS, async () => (await server.recordings()) === 0);
  const mixUs = server.cpuUs().ffmpeg - beforeMix.ffmpeg;
  const broadcast = await whilePlaying(server, liveRoomIds, measure);
  const { faults } = await crowd.report();
  if (faults.length > 0) throw new Error(faults.join('\n'));
  await Promise.all([crowd.end(), server.end()]);

  const figures = {
    rooms: ROOMS,
    quiet,
    recorded: added(quiet, recorded),
    broadcast: added(quiet, broadcast),
    mixMsPerMinute: (mixUs / 1_000 / ROOMS) * (MINUTE_US / recordedUs),
  };
  print(figures);
  return { recording: figures };
}

/** Per room, the median of several windows. */
async function measured(server: ObservedServer, seconds: number, rounds: number): Promise<Percents> {
  const windows: Percents[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const [startMs, before] = [performance.now(), server.cpuUs()];
    await delay(seconds * 1_000);
    const [tookUs, after] = [(performance.now() - startMs) * 1_000, server.cpuUs()];
    windows.push(byPart((part) => ((after[part] - before[part]) * 100) / tookUs / ROOMS));
  }
  return byPart((part) => median(windows.map((window) => window[part])));
}

const added = (quiet: Percents, busy: Percents): Percents => byPart((part) => busy[part] - quiet[part]);

const byPart = (of: (part: Part) => number): Percents => ({
  mainThread: of('mainThread'),
  otherThreads: of('otherThreads'),
  workers: of('workers'),
  ffmpeg: of('ffmpeg'),
});

async function order({ ordersUrl }: ObservedServer, what: MediaControl): Promise<void> {
  const { ok } = await fetch(ordersUrl, { method: 'POST', body: JSON.stringify(what) });
  if (!ok) throw new Error(`the media server did not take the order to ${what.kind}`);
}

/** One player for each room, who asks for every part, for as long as `action` takes. Rejects where one is refused. */
async function whilePlaying<T>(
  { origin }: ObservedServer,
  liveRoomIds: readonly string[],
  action: () => Promise<T>,
): Promise<T> {
  const urls = liveRoomIds.map((liveRoomId) =>
    signBroadcastUrl(origin, { liveRoomId, userId: null }, SECRET),
  );
  const listeners = await Promise.all(urls.map((url) => HlsListener.tuneIn(url)));
  const stopping = new AbortController();
  const play = async (listener: HlsListener) => {
    while (!stopping.signal.aborted) {
      const { hint } = listener.playlist;
      await listener.reload();
      await listener.bytes(hint);
    }
  };
  const playing = Promise.all(listeners.map(play));
  const acting = action().finally(() => stopping.abort());
  const [result] = await Promise.all([acting, playing]);
  return result;
}

async function until(what: string, deadlineMs: number, isMet: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + deadlineMs;
  while (!(await isMet())) {
    if (performance.now() > giveUpAtMs) throw new Error(`not in time: ${what}`);
    await delay(ASK_AGAIN_MS);
  }
}

function print({ quiet, recorded, broadcast, mixMsPerMinute }: RecordingFigures): void {
  console.log(`\nrecording: ${ROOMS} rooms of ${SPEAKERS} speakers, % of a core per room\n`);
  const head = ['', 'media server, main thread', 'its other threads', 'worker', 'ffmpeg', 'in all'];
  const row = (name: string, { mainThread, otherThreads, workers, ffmpeg }: Percents) => {
    const parts = [mainThread, otherThreads, workers, ffmpeg];
    const sum = parts.reduce((total, part) => total + part, 0);
    return [name, ...[...parts, sum].map((percent) => percent.toFixed(2))];
  };
  const rows = [
    row('neither recorded nor broadcast', quiet),
    row('recorded: besides', recorded),
    row('broadcast: besides', broadcast),
  ];
  console.log(table(head, rows));
  console.log(
    `\nmixing takes ${mixMsPerMinute.toFixed(0)} ms of CPU for each minute of a room, when its recording ends`,
  );
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_LEVELS } from '#schema/signalling.ts';
import { Liveness, type Look, type Suspicion } from '../../clients/live/browser/liveness.client.ts';
import { PathWatch, type PathSigns } from '../../clients/live/browser/path-signs.client.ts';

const SELF = 'lpt_self';
const SPEAKER = 'lpt_speaker';
const LOOK_MS = 200;
const LEVELS_MS = 300;
const CHECK_MS = 2_600;
/** All clocks have run for that long when a scene begins. */
const START_MS = 100_000;

/** What goes on at one moment, in ms from the beginning of the scene. */
interface Scene {
  /** Whether packets of audio come, and how far apart; null: none. */
  readonly audioGapMs?: (atMs: number) => number | null;
  /** Whether the path lets ICE's checks through. */
  readonly isPathAlive?: (atMs: number) => boolean;
  /** Whom the server tells of as heard; null: nothing comes over the socket. */
  readonly levels?: (atMs: number) => readonly string[] | null;
  readonly isForwarded?: (atMs: number) => boolean;
  /** Of the own microphone, which is on where it is given. */
  readonly spokenPower?: number;
  readonly lookMs?: number;
}

/** Looks at a scene, and tells when something was suspected, in ms from its beginning. */
function watch(scene: Scene, untilMs: number): { readonly asked: number[]; readonly restarted: number[] } {
  const liveness = new Liveness(SELF);
  const found: { readonly atMs: number; readonly suspicion: Suspicion }[] = [];
  const now = { socketHeardAtMs: START_MS, flowedAtMs: START_MS, answeredAtMs: START_MS, unchecked: 0 };
  const { audioGapMs = () => 20, isPathAlive = () => true, isForwarded = () => true } = scene;
  const { levels = () => [SPEAKER], spokenPower, lookMs = LOOK_MS } = scene;
  let uncheckedSinceMs: number | null = null;
  let told: readonly string[] = [];
  for (let atMs = 0; atMs <= untilMs; atMs += 20) {
    const nowMs = START_MS + atMs;
    const gapMs = audioGapMs(atMs);
    if (gapMs !== null && atMs % gapMs === 0) now.flowedAtMs = nowMs;
    const isChecking = atMs % CHECK_MS === 0 || (uncheckedSinceMs !== null && atMs % 60 === 0);
    if (isChecking && isPathAlive(atMs))
      [now.answeredAtMs, now.unchecked, uncheckedSinceMs] = [nowMs, 0, null];
    else if (isChecking) {
      now.unchecked += 1;
      uncheckedSinceMs ??= nowMs;
    }
    const heard = levels(atMs);
    // An empty list comes once.
    if (heard !== null && atMs % LEVELS_MS === 0 && (heard.length > 0 || told.length > 0)) {
      liveness.onLevels(
        heard.map((participantId) => ({ participantId })),
        nowMs,
      );
      now.socketHeardAtMs = nowMs;
      told = heard;
    }
    if (atMs % lookMs !== 0) continue;
    const path: PathSigns = {
      flowedAtMs: now.flowedAtMs,
      flowGapMs: gapMs ?? 20,
      answeredAtMs: now.answeredAtMs,
      uncheckedSinceMs,
      uncheckedCount: now.unchecked,
      roundTripMs: 10,
      spokenPower: spokenPower ?? 0,
    };
    const look: Look = {
      nowMs,
      socketHeardAtMs: now.socketHeardAtMs,
      socketWaitsSinceMs: null,
      receive: spokenPower === undefined ? path : null,
      send: spokenPower === undefined ? null : path,
      heard: new Map(isForwarded(atMs) ? [[SPEAKER, START_MS]] : []),
      speaks: spokenPower !== undefined,
      isDown: false,
    };
    found.push({ atMs, suspicion: liveness.judge(look) });
  }
  const times = (of: 'ask' | 'restart') =>
    found.filter(({ suspicion }) => suspicion[of]).map(({ atMs }) => atMs);
  return { asked: times('ask'), restarted: times('restart') };
}

const DEATH_MS = 3_000;
const until =
  <T>(before: T, after: T) =>
  (atMs: number) =>
    atMs < DEATH_MS ? before : after;

describe('What the live client takes for a dead connection', () => {
  it('is a path over which nothing comes of somebody whom the server hears', () => {
    const { asked, restarted } = watch(
      { audioGapMs: until<number | null>(20, null), isPathAlive: until(true, false) },
      4_000,
    );
    assert.deepEqual(asked, []);
    assert.deepEqual(restarted[0], DEATH_MS + 600);
  });

  it('is, perhaps, a socket that is as silent as the path', () => {
    const { asked, restarted } = watch(
      {
        audioGapMs: until<number | null>(20, null),
        isPathAlive: until(true, false),
        levels: until<string[] | null>([SPEAKER], null),
      },
      4_500,
    );
    assert.deepEqual(restarted, []);
    // About the levels, and about the audio.
    assert.deepEqual(asked, [DEATH_MS + 400, DEATH_MS + 600]);
  });

  it('is, perhaps, a socket without levels while audio comes', () => {
    const { asked, restarted } = watch({ levels: until<string[] | null>([SPEAKER], null) }, 20_000);
    assert.deepEqual([asked, restarted], [[DEATH_MS + 400], []]);
  });

  it('is a path whose checks have no answer, also where nobody is to be heard', () => {
    const silent = { audioGapMs: () => null, isForwarded: () => false, levels: () => [] };
    const { asked, restarted } = watch({ ...silent, isPathAlive: until(true, false) }, 20_000);
    assert.deepEqual(asked, []);
    assert.ok((restarted[0] ?? Infinity) < DEATH_MS + CHECK_MS + 1_000, `${restarted[0]}`);
  });

  it('is a path on which the server does not hear the own microphone any more', () => {
    const dead = { audioGapMs: until<number | null>(1_000, null), isPathAlive: until(true, false) };
    const { restarted } = watch({ ...dead, spokenPower: 0.01, levels: until([SELF], []) }, 5_000);
    assert.ok((restarted[0] ?? Infinity) <= DEATH_MS + 1_000, `${restarted[0]}`);
    assert.deepEqual(watch({ ...dead, spokenPower: 0, levels: until([SELF], []) }, 5_000).restarted, []);
  });

  it('is, perhaps, a socket over which one’s own level is never told', () => {
    const { asked } = watch({ spokenPower: 0.01, audioGapMs: () => 1_000, levels: () => null }, 20_000);
    assert.deepEqual(asked, [1_400]);
  });

  it('is asked about after the computer slept', () => {
    assert.deepEqual(watch({ lookMs: 6_000 }, 6_000).asked, [6_000]);
  });
});

describe('What the live client does not take for a dead connection', () => {
  const MINUTE_MS = 60_000;
  const nothing = { asked: [], restarted: [] };

  it('is audio that comes', () => assert.deepEqual(watch({}, MINUTE_MS), nothing));

  it('is the silence of DTX', () => {
    assert.deepEqual(watch({ audioGapMs: () => 400, levels: () => [] }, MINUTE_MS), nothing);
  });

  it('is a microphone that was turned off', () => {
    const off = { isForwarded: until(true, false), levels: until([SPEAKER], []) };
    assert.deepEqual(watch({ ...off, audioGapMs: until<number | null>(20, null) }, MINUTE_MS), nothing);
  });

  it('is a speaker who is gone: a listener asks once at most, and changes nothing', () => {
    const gone = { audioGapMs: until<number | null>(20, null), levels: until([SPEAKER], []) };
    const { asked, restarted } = watch(gone, MINUTE_MS);
    assert.deepEqual(restarted, []);
    assert.ok(asked.length <= 1, `${asked}`);
  });

  it('is a room that falls silent with all connections alive', () => {
    const { asked, restarted } = watch({ levels: until([SPEAKER], []) }, MINUTE_MS);
    assert.deepEqual({ asked, restarted }, nothing);
  });

  it('is a stream that is lost between servers while one’s own path is checked: ICE is restarted once at most', () => {
    const { restarted } = watch({ audioGapMs: until<number | null>(20, null) }, MINUTE_MS);
    assert.ok(
      restarted.every((atMs) => atMs < DEATH_MS + CHECK_MS),
      `${restarted}`,
    );
  });

  it('is a tab whose timers run once in a second', () => {
    assert.deepEqual(watch({ lookMs: 1_000 }, MINUTE_MS), nothing);
  });

  it('is not to be heard among as many as the server tells of', () => {
    const others = Array.from({ length: MAX_LEVELS }, (_, n) => `lpt_${n}`);
    const { restarted } = watch(
      { spokenPower: 0.01, levels: () => others, audioGapMs: () => 1_000 },
      MINUTE_MS,
    );
    assert.deepEqual(restarted, []);
  });
});

describe('What the live client reads of a path', () => {
  type Stats = { readonly id: string; readonly type: string } & Record<string, unknown>;
  const report = (...stats: readonly Stats[]) => new Map(stats.map((one) => [one.id, one]));
  const transport = { id: 'T', type: 'transport', selectedCandidatePairId: 'P' };
  const pair = (counts: object) => ({ id: 'P', type: 'candidate-pair', timestamp: 5_000, ...counts });

  it('is when packets came, and how far apart, by our own clock', () => {
    const path = new PathWatch();
    path.look(report(transport, pair({ packetsReceived: 10, lastPacketReceivedTimestamp: 4_990 })), 1_000);
    const signs = path.look(
      report(transport, pair({ packetsReceived: 20, lastPacketReceivedTimestamp: 4_980 })),
      1_200,
    );
    assert.deepEqual([signs?.flowedAtMs, signs?.flowGapMs], [1_180, 19]);
    const later = path.look(
      report(transport, pair({ packetsReceived: 20, lastPacketReceivedTimestamp: 4_980 })),
      1_400,
    );
    assert.deepEqual([later?.flowedAtMs, later?.flowGapMs], [1_180, 19]);
  });

  it('is which checks have no answer', () => {
    const path = new PathWatch();
    const looks = [
      [4, 4],
      [5, 4],
      [7, 4],
      [8, 5],
    ].map(([requestsSent, responsesReceived], n) =>
      path.look(report(transport, pair({ requestsSent, responsesReceived })), n * LOOK_MS),
    );
    assert.deepEqual(
      looks.map((signs) => [signs?.answeredAtMs, signs?.uncheckedSinceMs, signs?.uncheckedCount]),
      [
        [0, null, 0],
        [0, 200, 1],
        [0, 200, 3],
        [600, null, 0],
      ],
    );
  });

  it('is nothing before there is one', () => assert.equal(new PathWatch().look(report(), 0), null));

  it('is how loud the microphone is', () => {
    const source = (totalAudioEnergy: number, totalSamplesDuration: number) => ({
      id: 'S',
      type: 'media-source',
      totalAudioEnergy,
      totalSamplesDuration,
    });
    const path = new PathWatch();
    path.look(report(transport, pair({}), source(1, 10)), 0);
    assert.equal(path.look(report(transport, pair({}), source(1.5, 11)), 1_000)?.spokenPower, 0.5);
  });
});

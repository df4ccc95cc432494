import assert from 'node:assert/strict';

/** A media playlist, read as strictly as RFC 8216bis has it. */
export interface HlsPlaylist {
  readonly mediaSequence: number;
  readonly targetSeconds: number;
  readonly partTargetSeconds: number;
  readonly partHoldBackSeconds: number;
  readonly holdBackSeconds: number;
  /** URI of what players begin with. */
  readonly map: string;
  /** The last one may have parts alone: it is not complete yet. */
  readonly segments: readonly HlsSegment[];
  /** URI of the part that comes next; null where the broadcast has ended. */
  readonly hint: string | null;
  readonly ended: boolean;
}

export interface HlsSegment {
  readonly msn: number;
  /** Null: not complete yet. */
  readonly uri: string | null;
  readonly seconds: number;
  readonly dateMs: number;
  /** None where it is too long ago. */
  readonly parts: readonly HlsPart[];
}

export interface HlsPart {
  readonly uri: string;
  readonly seconds: number;
}

type Attributes = ReadonlyMap<string, string>;

/** Once in a playlist, before its first segment. */
const HEAD = [
  'EXT-X-VERSION',
  'EXT-X-TARGETDURATION',
  'EXT-X-SERVER-CONTROL',
  'EXT-X-PART-INF',
  'EXT-X-MEDIA-SEQUENCE',
  'EXT-X-INDEPENDENT-SEGMENTS',
  'EXT-X-MAP',
];
const EPSILON = 1e-6;
const ATTRIBUTE = /([A-Z0-9-]+)=("[^"\r\n]*"|[^",]+)(?:,|$)/y;

/** Throws an AssertionError where the text breaks a rule. */
export function readPlaylist(text: string): HlsPlaylist {
  assert.ok(text.startsWith('#EXTM3U\n') && text.endsWith('\n') && !/[\r\uFEFF]/.test(text), text);
  const lines = text.split('\n').slice(1, -1);
  const head = new Map<string, string>();
  const bodyAt = lines.findIndex((line) => !HEAD.includes(tagOf(line).name));
  for (const line of lines.slice(0, Math.max(0, bodyAt))) {
    const { name, value } = tagOf(line);
    assert.ok(!head.has(name), `${name} is there twice`);
    head.set(name, value);
  }
  const control = attributes(head.get('EXT-X-SERVER-CONTROL'));
  assert.equal(control.get('CAN-BLOCK-RELOAD'), 'YES');
  // EXT-X-MAP in a playlist of more than I-frames; EXT-X-SKIP, which would be 9, is not offered.
  assert.equal(head.get('EXT-X-VERSION'), '6');
  assert.equal(control.has('CAN-SKIP-UNTIL'), false);
  const mediaSequence = integer(head.get('EXT-X-MEDIA-SEQUENCE'));
  const playlist = {
    mediaSequence,
    targetSeconds: integer(head.get('EXT-X-TARGETDURATION')),
    partTargetSeconds: decimal(attributes(head.get('EXT-X-PART-INF')).get('PART-TARGET')),
    partHoldBackSeconds: decimal(control.get('PART-HOLD-BACK')),
    holdBackSeconds: decimal(control.get('HOLD-BACK')),
    map: quoted(attributes(head.get('EXT-X-MAP')).get('URI')),
    ...readBody(bodyAt < 0 ? [] : lines.slice(bodyAt), mediaSequence),
  };
  check(playlist);
  return playlist;
}

function readBody(lines: readonly string[], mediaSequence: number) {
  const segments: HlsSegment[] = [];
  let parts: HlsPart[] = [];
  let [dateMs, seconds]: [number | null, number | null] = [null, null];
  let [hint, ended]: [string | null, boolean] = [null, false];
  const push = (uri: string | null, length: number) => {
    assert.ok(dateMs !== null, 'a segment without a date');
    segments.push({ msn: mediaSequence + segments.length, uri, seconds: length, dateMs, parts });
    [parts, dateMs, seconds] = [[], null, null];
  };
  for (const line of lines) {
    assert.ok(!ended && hint === null, `${line} behind the end`);
    const { name, value } = tagOf(line);
    if (!line.startsWith('#')) {
      assert.ok(seconds !== null, `${line} has no EXTINF`);
      push(line, seconds);
    } else if (name === 'EXT-X-PROGRAM-DATE-TIME') {
      assert.match(value, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(dateMs === null && parts.length === 0, `${line} is in the midst of a segment`);
      dateMs = Date.parse(value);
    } else if (name === 'EXT-X-PART') {
      assert.ok(dateMs !== null && seconds === null, `${line} is in no segment`);
      const part = attributes(value);
      assert.equal(part.get('INDEPENDENT'), 'YES', 'every frame of AAC can be decoded alone');
      parts.push({ uri: quoted(part.get('URI')), seconds: decimal(part.get('DURATION')) });
    } else if (name === 'EXTINF') {
      assert.match(value, /,$/);
      seconds = decimal(value.slice(0, -1));
    } else if (name === 'EXT-X-PRELOAD-HINT') {
      const hinted = attributes(value);
      assert.equal(hinted.get('TYPE'), 'PART');
      hint = quoted(hinted.get('URI'));
    } else {
      assert.equal(line, '#EXT-X-ENDLIST');
      ended = true;
    }
  }
  assert.equal(seconds, null);
  if (parts.length > 0) push(null, lengthOf(parts));
  return { segments, hint, ended };
}

function check({ segments, hint, ended, ...playlist }: HlsPlaylist): void {
  const { targetSeconds, partTargetSeconds } = playlist;
  assert.ok(playlist.partHoldBackSeconds > 3 * partTargetSeconds - EPSILON);
  assert.ok(playlist.holdBackSeconds > 3 * targetSeconds - EPSILON);
  assert.equal(hint === null, ended);
  const parts = segments.flatMap((segment) => segment.parts);
  assert.ok(!parts.some(({ uri }) => uri === hint), 'a part is hinted that is there');
  for (const [index, { uri, seconds, dateMs, parts }] of segments.entries()) {
    const isLast = index === segments.length - 1;
    assert.ok(uri !== null || isLast, 'a segment is missing');
    assert.ok(Math.round(seconds) <= targetSeconds, `a segment takes ${seconds} s`);
    if (parts.length > 0) assert.ok(Math.abs(lengthOf(parts) - seconds) < EPSILON);
    for (const [at, part] of parts.entries()) {
      assert.ok(part.seconds <= partTargetSeconds, `a part takes ${part.seconds} s`);
      if (at < parts.length - 1) assert.ok(part.seconds >= 0.85 * partTargetSeconds);
    }
    const next = segments[index + 1];
    if (next) assert.ok(Math.abs(next.dateMs - dateMs - seconds * 1_000) <= 1, 'dates go on');
    const behindSeconds = lengthOf(segments.slice(index + 1));
    if (parts.length > 0) assert.ok(behindSeconds <= 3 * targetSeconds, 'parts of long ago');
    // Whoever lost the connection for a moment finds all parts of what is near the live edge.
    else if (uri !== null) assert.ok(behindSeconds + seconds > 2 * targetSeconds, 'parts are missing');
  }
}

/** Checks what a player may rely on from one playlist to the next of the same broadcast. */
export function checkUpdate(former: HlsPlaylist, next: HlsPlaylist): void {
  assert.ok(next.mediaSequence >= former.mediaSequence, 'the media sequence goes back');
  for (const { msn, uri, seconds, dateMs, parts } of former.segments) {
    const now = next.segments.find((segment) => segment.msn === msn);
    if (!now) {
      assert.ok(msn < next.mediaSequence, `segment ${msn} was taken back`);
      assert.ok(lengthOf(next.segments) >= 3 * next.targetSeconds, `segment ${msn} was removed early`);
      continue;
    }
    assert.equal(now.dateMs, dateMs);
    if (uri !== null) assert.deepEqual([now.uri, now.seconds], [uri, seconds]);
    if (now.parts.length > 0) assert.deepEqual(now.parts.slice(0, parts.length), parts);
  }
}

/** Whether a later playlist has the part that an earlier one hints, or its whole segment where that is long ago. */
export function hasHinted(former: HlsPlaylist, next: HlsPlaylist): boolean {
  const hinted = next.segments.find(({ msn }) => msn === nextPart(former).msn);
  return hinted !== undefined && (hinted.uri !== null || hinted.parts.some(({ uri }) => uri === former.hint));
}

/** Where the part is that comes next. */
export function nextPart({ segments, mediaSequence }: HlsPlaylist): {
  readonly msn: number;
  readonly part: number;
} {
  const last = segments.at(-1);
  if (last?.uri === null) return { msn: last.msn, part: last.parts.length };
  return { msn: mediaSequence + segments.length, part: 0 };
}

const lengthOf = (pieces: readonly { readonly seconds: number }[]): number =>
  pieces.reduce((sum, { seconds }) => sum + seconds, 0);

function tagOf(line: string): { readonly name: string; readonly value: string } {
  const [, name = '', value = ''] = /^#([A-Z0-9-]+)(?::(.*))?$/.exec(line) ?? [];
  return { name, value };
}

function attributes(list: string | undefined): Attributes {
  assert.ok(list, 'a tag is missing');
  const found = new Map<string, string>();
  ATTRIBUTE.lastIndex = 0;
  while (ATTRIBUTE.lastIndex < list.length) {
    const [, name, value] = ATTRIBUTE.exec(list) ?? [];
    assert.ok(name !== undefined && value !== undefined && !found.has(name), list);
    found.set(name, value);
  }
  return found;
}

function integer(text: string | undefined): number {
  assert.match(text ?? '', /^\d{1,20}$/);
  return Number(text);
}

function decimal(text: string | undefined): number {
  assert.match(text ?? '', /^\d+(\.\d+)?$/);
  return Number(text);
}

function quoted(text: string | undefined): string {
  assert.match(text ?? '', /^"[^"]+"$/);
  return (text ?? '').slice(1, -1);
}

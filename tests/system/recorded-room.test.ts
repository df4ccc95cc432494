import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findCommand } from '#platform/machine/debian-packages.mjs';
import { createSoundWriter, readHeader, streamOf } from '../bench/audio/rtp.ts';
import { connectTransport } from '../bench/audio/webrtc/client-transport.ts';
import { createIdentity } from '../bench/audio/webrtc/dtls.ts';
import { skipWithoutWorker } from '../media/media-kit.ts';
import { Observed } from '../media/observed.ts';
import { SignallingClient } from '../media/signalling-client.ts';
import { decode, toneOpus } from '../media/sound.ts';
import { eventually } from '../support/platform-client.ts';
import { dataFolder } from '../support/platform-process.ts';
import { startPlatformProcesses, type PlatformProcesses } from '../support/platform-processes.ts';
import { startS3, type S3, type S3Request } from '../support/s3.ts';
import { skipWithout } from '../support/services.ts';
import { requireFfmpeg } from '../support/system-packages.ts';
import { signUp, type Member } from './journey.ts';

const ffmpeg = await requireFfmpeg();
const program = 'missing' in ffmpeg ? '' : ffmpeg.executablePath;
const skip =
  skipWithout('databaseUrl', 'redisUrl', 'natsUrl') ||
  skipWithoutWorker ||
  ('missing' in ffmpeg ? ffmpeg.missing : false) ||
  (findCommand('openssl') === null && !process.env.CI ? 'no openssl' : false);

const [HOST_HZ, GUEST_HZ] = [440, 1_200];
const PACKET_MS = 20;
const HEARD = 0.05;
/** Two seconds, of each speaker. */
const PACKETS = 100;
const WINDOW_MS = 100;

const ERRORS = 'userErrors { __typename message }';
const JOIN = `mutation ($id: ID!) { joinLiveRoom(id: $id) { __typename ... on LiveJoin { mediaUrl token participant { id } } } }`;
const RECORDINGS = `query ($id: ID!) { liveRoom(id: $id) { recordings { id state problem durationMs
  files { participant { id } sizeBytes url } } } }`;
const EVENTS = `subscription ($id: ID!, $after: EventCursor) { liveRoomEvents(liveRoomId: $id, after: $after) {
  ... on RecordingChanged { state } } }`;

const isFile = ({ method }: S3Request) => method === 'PUT';

describe('a room that is recorded, on a platform that keeps its files in S3', { skip }, () => {
  let s3: S3;
  let platform: PlatformProcesses;
  let takes: Awaited<ReturnType<typeof dataFolder>>;
  let heard: Awaited<ReturnType<typeof dataFolder>>;
  let host: Member;
  let guest: Member;
  let liveRoomId: string;
  const leaving: (() => unknown)[] = [];
  before(async () => {
    s3 = await startS3();
    [takes, heard] = [await dataFolder(), await dataFolder()];
    const media = { MEDIA_WORKERS: '1', MEDIA_MIN_PORT: '44300', MEDIA_MAX_PORT: '44399' };
    platform = await startPlatformProcesses({ ...s3.env, ...media, RECORDINGS_DIR: takes.path });
    [host, guest] = [await signUp(platform.url, 'host'), await signUp(platform.url, 'guest')];
    const create = `mutation { createLiveRoom(input: { title: "Zwei Stimmen – 二人の声 🎙" }) { liveRoom { id } ${ERRORS} } }`;
    liveRoomId = (await host.data(create)).createLiveRoom.liveRoom.id;
    await host.data(`mutation ($id: ID!) { startLiveRoom(id: $id) { ${ERRORS} } }`, { id: liveRoomId });
  });
  after(async () => {
    for (const leave of leaving) await leave();
    await platform.close();
    await s3.close();
    await Promise.all([takes.remove(), heard.remove()]);
  });

  const enter = async (member: Member) => {
    const { joinLiveRoom } = await member.data(JOIN, { id: liveRoomId });
    assert.equal(joinLiveRoom.__typename, 'LiveJoin');
    return joinLiveRoom;
  };

  /** Speaks over WebRTC, as a browser does, until the test is over. */
  const speak = async (member: Member, ssrc: number, hertz: number) => {
    const { mediaUrl, token } = await enter(member);
    const client = new SignallingClient(mediaUrl);
    leaving.push(() => client.close());
    const { routerRtpCapabilities } = await client.request('authenticate', { token });
    await client.request('join', { rtpCapabilities: routerRtpCapabilities });
    const mouth = await connectTransport(client, 'send', createIdentity(), () => undefined);
    leaving.push(() => mouth.close());
    const { transportId } = mouth;
    await client.request('produce', { transportId, rtpParameters: streamOf(ssrc) });
    const next = createSoundWriter(ssrc, toneOpus(program, hertz));
    const said = new Observed<number>();
    const talk = setInterval(() => {
      const packet = next();
      mouth.send(packet, readHeader(packet)?.bytes ?? 0);
      said.add(said.all.length);
    }, PACKET_MS);
    leaving.push(() => clearInterval(talk));
    return said;
  };

  const recording = async () => (await host.data(RECORDINGS, { id: liveRoomId })).liveRoom.recordings[0];
  const becomes = (state: string) =>
    eventually(async () => {
      const found = await recording();
      assert.equal(found.state, state);
      return found;
    });
  /** What somebody hears who plays the address, asked for in two parts as players do. */
  const play = async (url: string, sizeBytes: number) => {
    const middle = Math.floor(sizeBytes / 2);
    const parts: Buffer[] = [];
    for (const range of [`bytes=0-${middle - 1}`, `bytes=${middle}-`]) {
      const answer = await fetch(url, { headers: { range } });
      assert.equal(answer.status, 206);
      parts.push(Buffer.from(await answer.arrayBuffer()));
    }
    const path = join(heard.path, 'heard.ogg');
    await writeFile(path, Buffer.concat(parts));
    return decode(program, path);
  };

  it('becomes a track that plays, though S3 is silent, its media server is killed, and S3 refuses for a while', async () => {
    const guestId = (await enter(guest)).participant.id;
    await enter(host);
    const setRole = `mutation ($room: ID!, $who: ID!) { setLiveRole(liveRoomId: $room, participantId: $who, role: SPEAKER) { ${ERRORS} } }`;
    await host.data(setRole, { room: liveRoomId, who: guestId });
    const voices = [await speak(host, 7_001, HOST_HZ), await speak(guest, 7_002, GUEST_HZ)];
    const { liveRoom } = await guest.data('query ($id: ID!) { liveRoom(id: $id) { eventCursor } }', {
      id: liveRoomId,
    });
    const events = await guest.subscribe(EVENTS, { id: liveRoomId, after: liveRoom.eventCursor });
    leaving.push(() => events.close());
    const start = `mutation ($id: ID!) { startRecording(liveRoomId: $id, mode: BOTH) { ${ERRORS} } }`;
    await host.data(start, { id: liveRoomId });
    await becomes('RECORDING');
    for (const said of voices) {
      const known = said.all.length;
      await said.find((count) => count > known + PACKETS);
    }

    s3.trouble((request) => (isFile(request) ? 'SILENT' : null));
    await host.data(`mutation ($id: ID!) { stopRecording(liveRoomId: $id) { ${ERRORS} } }`, {
      id: liveRoomId,
    });
    await s3.requests.find(isFile);
    await platform.end('media-server', 'SIGKILL');
    const known = s3.requests.all.length;
    s3.trouble((request) => (isFile(request) ? 'SLOW_DOWN' : null));
    await platform.restart('media-server');
    await s3.requests.find(isFile, known);
    const { id: recordingId, files: early } = await becomes('STOPPING');
    assert.deepEqual(early, []);
    s3.trouble(() => null);
    const { files, problem } = await becomes('READY');
    assert.equal(problem, null);
    assert.deepEqual(
      files.map(({ participant }: { participant: object | null }) => participant === null),
      [true, false, false],
    );

    const input = { title: 'Both of us', clientMutationKey: 'published-once' };
    const publish = `mutation ($recordingId: ID!, $input: PublishRecordingInput!) { publishRecording(recordingId: $recordingId, input: $input) {
      track { id sizeBytes durationMs audioUrl } ${ERRORS} } }`;
    const { track, userErrors } = (await host.data(publish, { recordingId, input })).publishRecording;
    assert.deepEqual(userErrors, []);
    const again = (await host.data(publish, { recordingId, input })).publishRecording;
    assert.equal(again.track.id, track.id);
    const sound = await play(track.audioUrl, track.sizeBytes);
    // In short windows: packets that this busy process sends late are heard late, so that a tone is not one sine from beginning to end.
    const windows = Array.from(
      { length: Math.floor(sound.durationMs / WINDOW_MS) },
      (_, index) => index * WINDOW_MS,
    );
    for (const hertz of [HOST_HZ, GUEST_HZ]) {
      const loudest = Math.max(...windows.map((ms) => sound.amplitude(hertz, ms, ms + WINDOW_MS)));
      assert.ok(loudest > HEARD, `${hertz} Hz: ${loudest}`);
    }
    assert.equal(new URL(track.audioUrl).origin, s3.url);

    const told: string[] = [];
    while (told.at(-1) !== 'READY') told.push((await events.next()).liveRoomEvents.state);
    assert.deepEqual(
      told.filter((state) => state !== undefined),
      ['STARTING', 'RECORDING', 'STOPPING', 'READY'],
    );
    assert.equal((await s3.keys()).length, files.length + 1);
    assert.deepEqual(await s3.unfinishedUploads(), []);
    assert.deepEqual(await readdir(takes.path), []);
  });
});

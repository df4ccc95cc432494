import { Readable } from 'node:stream';
import { Upload, type FileUpload } from 'graphql-upload-ts';
import type { EventName, EventPayload } from '#schema/events.ts';
import { newId } from '#platform/ids.ts';
import type { Subgraph } from '#platform/subgraph-process.ts';
import type { MediaLocation } from '../../subgraphs/stream/domain/ports.ts';
import { streamSubgraph, type StreamOptions } from '../../subgraphs/stream/subgraph.ts';
import { startTestSubgraph, type Caller, type TestOptions, type TestSubgraph } from '../support/subgraphs.ts';
import { toneWav } from '../support/wav.ts';
import { until } from './result-streams.ts';

export interface Stream extends TestSubgraph<Subgraph> {
  /** What the media port answers from now on. */
  setMedia(location: MediaLocation): void;
}

export const MEDIA: Extract<MediaLocation, { available: true }> = {
  available: true,
  url: 'ws://media.example:4010/media',
  webUrl: 'http://veza.example',
  canMix: true,
};

export async function startStream(options: TestOptions & Omit<StreamOptions, 'media'> = {}): Promise<Stream> {
  let location: MediaLocation = MEDIA;
  const media = { locate: () => Promise.resolve(location) };
  const stream = await startTestSubgraph(streamSubgraph({ ...options, media }), options);
  return { ...stream, setMedia: (next) => void (location = next) };
}

export const newUser = (): string => newId('User');

export const ERRORS = `userErrors { __typename message field
  ... on ValidationError { rule } ... on NotFoundError { id } ... on ForbiddenError { requiredPermission }
  ... on ConflictError { currentVersion } ... on NotLiveError { state } ... on SpeakerLimitError { maxSpeakers } }`;
const TRACK = `track { id title description genre { slug name } tags bpm musicalKey license visibility durationMs audioFormat sizeBytes
  audioUrl version likeCount commentCount viewerLiked artist { id } }`;
const ROOM = `liveRoom { id title state startedAt endedAt capacity musicMode listenerCount eventCursor
  host { id } chatRoom { id } viewerParticipant { id } speakers { id } raisedHands { id } }`;
const RECORDING = `recording { id mode state startedAt endedAt durationMs problem
  files { id participant { id } offsetMs durationMs sizeBytes url } }`;
const PARTICIPANT = 'participant { id role muted connected handRaisedAt handPosition invitedAt user { id } }';

const MUTATIONS = {
  uploadTrack: `mutation ($input: UploadTrackInput!) { uploadTrack(input: $input) { ${TRACK} ${ERRORS} } }`,
  updateTrack: `mutation ($id: ID!, $input: UpdateTrackInput!, $expectedVersion: Int) {
    updateTrack(id: $id, input: $input, expectedVersion: $expectedVersion) { ${TRACK} ${ERRORS} } }`,
  deleteTrack: `mutation ($id: ID!) { deleteTrack(id: $id) { trackId ${ERRORS} } }`,
  likeTrack: `mutation ($id: ID!) { likeTrack(id: $id) { ${TRACK} ${ERRORS} } }`,
  unlikeTrack: `mutation ($id: ID!) { unlikeTrack(id: $id) { ${TRACK} ${ERRORS} } }`,
  commentOnTrack: `mutation ($trackId: ID!, $body: String!, $atMs: Int) { commentOnTrack(trackId: $trackId, body: $body, atMs: $atMs) {
    comment { id body atMs author { id } track { id commentCount } } ${ERRORS} } }`,
  deleteComment: `mutation ($id: ID!) { deleteComment(id: $id) { commentId track { commentCount } ${ERRORS} } }`,
  createLiveRoom: `mutation ($input: CreateLiveRoomInput!) { createLiveRoom(input: $input) { ${ROOM} ${ERRORS} } }`,
  startLiveRoom: `mutation ($id: ID!) { startLiveRoom(id: $id) { ${ROOM} ${ERRORS} } }`,
  endLiveRoom: `mutation ($id: ID!) { endLiveRoom(id: $id) { ${ROOM} ${ERRORS} } }`,
  setBroadcastAudience: `mutation ($liveRoomId: ID!, $audience: BroadcastAudience!) {
    setBroadcastAudience(liveRoomId: $liveRoomId, audience: $audience) { ${ROOM} ${ERRORS} } }`,
  leaveLiveRoom: `mutation ($id: ID!) { leaveLiveRoom(id: $id) { ${ROOM} ${ERRORS} } }`,
  joinLiveRoom: `mutation ($id: ID!, $resumeKey: String) { joinLiveRoom(id: $id, resumeKey: $resumeKey) { __typename
    ... on LiveJoin { ${PARTICIPANT} ${ROOM} mediaUrl token tokenExpiresAt resumeKey resumed iceServers { urls username credential } }
    ... on UserError { message field } ... on NotLiveError { state } ... on RoomFullError { capacity hlsUrl }
    ... on MediaUnavailableError { retryAfterMs } ... on NotFoundError { id } } }`,
  raiseHand: `mutation ($liveRoomId: ID!) { raiseHand(liveRoomId: $liveRoomId) { ${PARTICIPANT} ${ERRORS} } }`,
  lowerHand: `mutation ($liveRoomId: ID!, $participantId: ID) {
    lowerHand(liveRoomId: $liveRoomId, participantId: $participantId) { ${PARTICIPANT} ${ERRORS} } }`,
  setLiveRole: `mutation ($liveRoomId: ID!, $participantId: ID!, $role: LiveRole!) {
    setLiveRole(liveRoomId: $liveRoomId, participantId: $participantId, role: $role) { ${PARTICIPANT} ${ERRORS} } }`,
  muteParticipant: `mutation ($liveRoomId: ID!, $participantId: ID!, $muted: Boolean! = true) {
    muteParticipant(liveRoomId: $liveRoomId, participantId: $participantId, muted: $muted) { ${PARTICIPANT} ${ERRORS} } }`,
  reactInLiveRoom: `mutation ($liveRoomId: ID!, $reaction: LiveReaction!) {
    reactInLiveRoom(liveRoomId: $liveRoomId, reaction: $reaction) { reaction ${ERRORS} } }`,
  startRecording: `mutation ($liveRoomId: ID!, $mode: RecordingMode! = MIX) {
    startRecording(liveRoomId: $liveRoomId, mode: $mode) { ${RECORDING} ${ERRORS} } }`,
  stopRecording: `mutation ($liveRoomId: ID!) { stopRecording(liveRoomId: $liveRoomId) { ${RECORDING} ${ERRORS} } }`,
  publishRecording: `mutation ($recordingId: ID!, $input: PublishRecordingInput!) {
    publishRecording(recordingId: $recordingId, input: $input) { ${TRACK} ${ERRORS} } }`,
  muteAll: `mutation ($liveRoomId: ID!) { muteAll(liveRoomId: $liveRoomId) { ${ROOM} ${ERRORS} } }`,
  inviteToSpeak: `mutation ($liveRoomId: ID!, $participantId: ID!) {
    inviteToSpeak(liveRoomId: $liveRoomId, participantId: $participantId) { ${PARTICIPANT} ${ERRORS} } }`,
  answerInvitation: `mutation ($liveRoomId: ID!, $accept: Boolean!) {
    answerInvitation(liveRoomId: $liveRoomId, accept: $accept) { ${PARTICIPANT} ${ERRORS} } }`,
  removeParticipant: `mutation ($liveRoomId: ID!, $participantId: ID!, $ban: Boolean! = false) {
    removeParticipant(liveRoomId: $liveRoomId, participantId: $participantId, ban: $ban) { ${PARTICIPANT} ${ERRORS} } }`,
  unbanParticipant: `mutation ($liveRoomId: ID!, $participantId: ID!) {
    unbanParticipant(liveRoomId: $liveRoomId, participantId: $participantId) { ${PARTICIPANT} ${ERRORS} } }`,
} as const;

type MutationName = keyof typeof MUTATIONS;
type Variables = Record<string, unknown>;

/** Runs a mutation and returns its payload, refused or not. */
export async function mutate(
  stream: Stream,
  caller: Caller,
  name: MutationName,
  variables: Variables,
  // oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
): Promise<any> {
  return (await stream.data(caller, MUTATIONS[name], variables))[name];
}

/** The refusals of a mutation, as `Type field rule`. */
export async function refusals(
  stream: Stream,
  caller: Caller,
  name: MutationName,
  variables: Variables,
): Promise<string[]> {
  const { userErrors } = await mutate(stream, caller, name, variables);
  return userErrors.map(({ __typename, field, rule }: Record<string, string | string[] | null>) =>
    [__typename, String(field ?? '-'), rule].filter((part) => part != null).join(' '),
  );
}

/** Runs a mutation that must succeed. */
export async function must(
  stream: Stream,
  caller: Caller,
  name: MutationName,
  variables: Variables,
  // oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
): Promise<any> {
  const payload = await mutate(stream, caller, name, variables);
  if (payload.userErrors.length > 0)
    throw new Error(`${name} was refused: ${JSON.stringify(payload.userErrors)}`);
  return payload;
}

/** A file as the multipart transport hands it over. `createReadStream` may be replaced to break it. */
export function uploadOf(bytes: Buffer, createReadStream = () => Readable.from([bytes])): Upload {
  const upload = new Upload();
  const file = { filename: 'x', mimetype: 'image/png', encoding: '7bit', fieldName: '0', createReadStream };
  upload.resolve(file as unknown as FileUpload);
  return upload;
}

let keys = 0;

export const newTrackInput = (extra: Variables = {}): Variables => ({
  file: uploadOf(toneWav({ seconds: 2 })),
  title: 'Tone',
  clientMutationKey: `test-key-${++keys}`,
  ...extra,
});

/** Publishes a track of two seconds. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
export async function publish(stream: Stream, artist: string, extra: Variables = {}): Promise<any> {
  return (await must(stream, artist, 'uploadTrack', { input: newTrackInput(extra) })).track;
}

/** A live room that is LIVE. Returns its id. */
export async function openLiveRoom(stream: Stream, host: string, extra: Variables = {}): Promise<string> {
  const input = { title: 'Open Studio', ...extra };
  const { id } = (await must(stream, host, 'createLiveRoom', { input })).liveRoom;
  await must(stream, host, 'startLiveRoom', { id });
  return id;
}

/** Joins, and returns the participant's id; `connect` lets a media server report the connection too. */
export async function join(stream: Stream, user: string, id: string): Promise<string> {
  const result = await mutate(stream, user, 'joinLiveRoom', { id });
  if (result.__typename !== 'LiveJoin') throw new Error(`Not joined: ${JSON.stringify(result)}`);
  return result.participant.id;
}

export async function enter(stream: Stream, user: string, id: string, serverId = 'media-1'): Promise<string> {
  const participantId = await join(stream, user, id);
  await tell(stream, `media:${serverId}`, 'media.participantConnected', {
    liveRoomId: id,
    participantId,
    serverId,
  });
  await until(async () => (await participantOf(stream, participantId))?.status === 'CONNECTED');
  return participantId;
}

let seq = 0;

/** Delivers a durable event as another process would. Resolves once the inbox has it, which is before it is handled. */
export async function tell<N extends EventName>(
  stream: Stream,
  topic: string,
  name: N,
  payload: EventPayload<N>,
): Promise<void> {
  const frame = { id: newId('Event'), name, version: 1, stream: topic, seq: ++seq, payload };
  const at = new Date().toISOString();
  await stream.durableBus.publish({ ...frame, at, actorId: null, correlationId: null });
}

/** The participant's row. */
export async function participantOf(
  stream: Stream,
  id: string,
): Promise<{ status: string; reason: string | null; serverId: string | null; lost: boolean } | undefined> {
  const [row] = await stream.open.foundation.database
    .fork()
    .execute<{ status: string; reason: string | null; serverId: string | null; lost: boolean }[]>(
      `select status, leave_reason as reason, server_id as "serverId", lost_at is not null as lost
       from live_participant where id = ?`,
      [id],
    );
  return row;
}

/** Names of the events in a log. */
export async function logOf(stream: Stream, topic: string): Promise<string[]> {
  return (await stream.open.foundation.events.read(topic)).map(({ name }) => name);
}

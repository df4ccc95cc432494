import { z } from 'zod';
import type { LiveRole } from '#schema/live-role.ts';
import { FinalRefusal, type LiveGrant } from '../../../clients/live/browser/admission.client.ts';
import { RetryLater } from '../../../clients/live/browser/retry.client.ts';
import { findPeople, foundIn, type FoundPeople, type PeopleList } from './found-people.client.ts';
import type { Reaction } from './reactions.client.ts';
import type { Session } from './session.client.ts';

/** As many people as fit are in the room; `hlsUrl` is where to listen instead, null where there is no broadcast. */
export class RoomFull extends FinalRefusal {
  readonly hlsUrl: string | null;

  constructor(message: string, hlsUrl: string | null) {
    super(message);
    this.hlsUrl = hlsUrl;
  }
}

const refusal = z.object({
  __typename: z.string(),
  message: z.string(),
  hlsUrl: z.string().nullish(),
  retryAfterMs: z.number().nullish(),
});

const liveJoin = z.object({
  __typename: z.literal('LiveJoin'),
  mediaUrl: z.string(),
  token: z.string(),
  resumeKey: z.string(),
  iceServers: z.array(
    z.object({
      urls: z.array(z.string()),
      username: z.string().nullish(),
      credential: z.string().nullish(),
    }),
  ),
});

const userShape = z.object({ id: z.string(), displayName: z.string() }).nullable();
const payload = z.object({ userErrors: z.array(z.object({ message: z.string() })) });

const handsShape = z
  .object({ raisedHands: z.array(z.object({ id: z.string(), user: userShape })) })
  .nullish();

const liveState = z.enum(['SCHEDULED', 'LIVE', 'ENDED']);
export type LiveState = z.infer<typeof liveState>;
export const broadcastAudience = z.enum(['ANYONE', 'SIGNED_IN']);
export type BroadcastAudience = z.infer<typeof broadcastAudience>;
export const recordingShape = z.object({ id: z.string(), state: z.string() });

const overviewShape = z.object({
  liveRoom: z
    .object({
      title: z.string(),
      topic: z.string().nullish(),
      state: liveState,
      scheduledFor: z.string().nullish(),
      host: userShape,
      chatRoom: z.object({ id: z.string() }).nullish(),
      raisedHands: z.array(z.object({ id: z.string() })),
      participants: z.object({
        nodes: z.array(z.object({ id: z.string(), invitedAt: z.string().nullish() })),
      }),
      recording: recordingShape.nullish(),
      broadcastAudience,
      eventCursor: z.string(),
    })
    .nullish(),
  viewer: z.object({ id: z.string() }).nullish(),
});
/** A room as it is told of: what it is, and what has changed on its stage up to `eventCursor`. */
export type RoomOverview = NonNullable<z.infer<typeof overviewShape>['liveRoom']> & {
  /** User who looks at it; null where nobody is signed in. */
  readonly viewerId: string | null;
};

/** What people do in a room: operation → its arguments besides the room. */
export interface LiveActions {
  readonly startLiveRoom: object;
  readonly endLiveRoom: object;
  readonly raiseHand: object;
  readonly lowerHand: { readonly participantId?: string };
  readonly setLiveRole: { readonly participantId: string; readonly role: LiveRole };
  readonly muteParticipant: { readonly participantId: string; readonly muted: boolean };
  readonly muteAll: object;
  readonly inviteToSpeak: { readonly participantId: string };
  readonly answerInvitation: { readonly accept: boolean };
  readonly removeParticipant: { readonly participantId: string; readonly ban: boolean };
  readonly unbanParticipant: { readonly participantId: string };
  readonly startRecording: object;
  readonly stopRecording: object;
  readonly reactInLiveRoom: { readonly reaction: Reaction };
  readonly setBroadcastAudience: { readonly audience: BroadcastAudience };
}
export type LiveAction = keyof LiveActions;

/** What the page asks of the platform about one live room. */
export class PlatformApi {
  readonly #session: Session;
  readonly #liveRoomId: string;

  constructor(session: Session, liveRoomId: string) {
    this.#session = session;
    this.#liveRoomId = liveRoomId;
  }

  /** A grant for the room; FinalRefusal where the platform says no, SignInNeeded where the session is over. */
  async join(resumeKey: string | null): Promise<LiveGrant & { readonly resumeKey: string }> {
    const { joinLiveRoom } = await this.#session.ask(JOIN, { id: this.#liveRoomId, resumeKey }, 'fresh');
    const joined = liveJoin.safeParse(joinLiveRoom);
    if (!joined.success) throw refusalOf(joinLiveRoom);
    const { mediaUrl, iceServers } = joined.data;
    return {
      ...joined.data,
      mediaUrl: new URL(mediaUrl, location.href.replace(/^http/, 'ws')).href,
      iceServers: iceServers.map(({ urls, username, credential }) => ({
        urls,
        ...(username ? { username } : {}),
        ...(credential ? { credential } : {}),
      })),
    };
  }

  /** Null where there is no such room, or the visitor may not see it. */
  async overview(): Promise<RoomOverview | null> {
    const answer = await this.#session.ask(OVERVIEW, { id: this.#liveRoomId });
    const { liveRoom, viewer } = overviewShape.parse(answer);
    return liveRoom ? { ...liveRoom, viewerId: viewer?.id ?? null } : null;
  }

  /** Where the room's broadcast is to be heard; null where there is none. */
  async broadcastUrl(): Promise<string | null> {
    const { liveRoom } = await this.#session.ask(BROADCAST, { id: this.#liveRoomId });
    return z.object({ broadcastUrl: z.string().nullish() }).nullish().parse(liveRoom)?.broadcastUrl ?? null;
  }

  /** Display names of users, by their ids; one whom the platform does not know is left out. */
  async namesOf(userIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (userIds.length === 0) return new Map();
    const { users } = await this.#session.ask(NAMES, { userIds: userIds.slice(0, MAX_USERS) });
    const known = z
      .array(userShape)
      .parse(users)
      .filter((user) => user !== null);
    return new Map(known.map((user) => [user.id, user.displayName]));
  }

  /**
   * A page of those in the room, or banned from it, whose name or handle has `search` in it. `next` is the `after` of the next page. Where that is not
   * for the visitor it is nobody.
   */
  async people(
    search: string,
    after: string | null,
    list: PeopleList = 'participants',
  ): Promise<FoundPeople> {
    const variables = { id: this.#liveRoomId, search, after };
    return foundIn(await this.#session.ask(findPeople(list), variables));
  }

  /** Display names of those whose hands are up, by participant. */
  async namesOfHands(): Promise<ReadonlyMap<string, string>> {
    const { liveRoom } = await this.#session.ask(HANDS, { id: this.#liveRoomId });
    const hands = handsShape.parse(liveRoom)?.raisedHands ?? [];
    return new Map(hands.flatMap(({ id, user }) => (user ? [[id, user.displayName]] : [])));
  }

  /** Throws an error with the platform's words where it is refused. */
  async act<A extends LiveAction>(action: A, variables: LiveActions[A]): Promise<void> {
    const answer = await this.#session.ask(ACTIONS[action], { id: this.#liveRoomId, ...variables });
    const [refused] = payload.parse(answer[action]).userErrors;
    if (refused) throw new Error(refused.message);
  }
}

// Media that is away may come back; everything else that the platform declines stays declined.
function refusalOf(result: unknown): Error {
  const parsed = refusal.safeParse(result);
  if (!parsed.success) return new Error('The platform gave an answer that this page does not understand.');
  const { __typename, message, hlsUrl = null, retryAfterMs = null } = parsed.data;
  if (__typename === 'RoomFullError') return new RoomFull(message, hlsUrl);
  return retryAfterMs === null ? new FinalRefusal(message) : new RetryLater(message, retryAfterMs);
}

const JOIN = `mutation LiveJoin($id: ID!, $resumeKey: String) {
  joinLiveRoom(id: $id, resumeKey: $resumeKey) {
    __typename
    ... on LiveJoin { mediaUrl token resumeKey iceServers { urls username credential } }
    ... on RoomFullError { hlsUrl }
    ... on MediaUnavailableError { retryAfterMs }
    ... on UserError { message }
  }
}`;

/** As many as one request may ask for. */
const MAX_USERS = 100;

const NAMES = 'query LiveNames($userIds: [ID!]!) { users(ids: $userIds) { id displayName } }';

const HANDS = `query LiveHands($id: ID!) {
  liveRoom(id: $id) { raisedHands { id user { id displayName } } }
}`;

const OVERVIEW = `query LiveOverview($id: ID!) {
  viewer { id }
  liveRoom(id: $id) {
    title topic state scheduledFor broadcastAudience eventCursor
    host { id displayName }
    chatRoom { id }
    raisedHands { id }
    participants(first: 100) { nodes { id invitedAt } }
    recording { id state }
  }
}`;

const BROADCAST = 'query LiveBroadcast($id: ID!) { liveRoom(id: $id) { broadcastUrl } }';

const ERRORS = 'userErrors { message }';
const PARTICIPANT = '$id: ID!, $participantId: ID!';

const ACTIONS: Readonly<Record<LiveAction, string>> = {
  startLiveRoom: `mutation LiveStart($id: ID!) { startLiveRoom(id: $id) { ${ERRORS} } }`,
  endLiveRoom: `mutation LiveEnd($id: ID!) { endLiveRoom(id: $id) { ${ERRORS} } }`,
  raiseHand: `mutation LiveRaiseHand($id: ID!) { raiseHand(liveRoomId: $id) { ${ERRORS} } }`,
  lowerHand: `mutation LiveLowerHand($id: ID!, $participantId: ID) {
    lowerHand(liveRoomId: $id, participantId: $participantId) { ${ERRORS} }
  }`,
  setLiveRole: `mutation LiveSetRole(${PARTICIPANT}, $role: LiveRole!) {
    setLiveRole(liveRoomId: $id, participantId: $participantId, role: $role) { ${ERRORS} }
  }`,
  muteParticipant: `mutation LiveMute(${PARTICIPANT}, $muted: Boolean!) {
    muteParticipant(liveRoomId: $id, participantId: $participantId, muted: $muted) { ${ERRORS} }
  }`,
  muteAll: `mutation LiveMuteAll($id: ID!) { muteAll(liveRoomId: $id) { ${ERRORS} } }`,
  inviteToSpeak: `mutation LiveInvite(${PARTICIPANT}) {
    inviteToSpeak(liveRoomId: $id, participantId: $participantId) { ${ERRORS} }
  }`,
  answerInvitation: `mutation LiveAnswer($id: ID!, $accept: Boolean!) {
    answerInvitation(liveRoomId: $id, accept: $accept) { ${ERRORS} }
  }`,
  removeParticipant: `mutation LiveRemove(${PARTICIPANT}, $ban: Boolean!) {
    removeParticipant(liveRoomId: $id, participantId: $participantId, ban: $ban) { ${ERRORS} }
  }`,
  unbanParticipant: `mutation LiveUnban(${PARTICIPANT}) {
    unbanParticipant(liveRoomId: $id, participantId: $participantId) { ${ERRORS} }
  }`,
  startRecording: `mutation LiveRecord($id: ID!) { startRecording(liveRoomId: $id) { ${ERRORS} } }`,
  reactInLiveRoom: `mutation LiveReact($id: ID!, $reaction: LiveReaction!) {
    reactInLiveRoom(liveRoomId: $id, reaction: $reaction) { ${ERRORS} }
  }`,
  setBroadcastAudience: `mutation LiveAudience($id: ID!, $audience: BroadcastAudience!) {
    setBroadcastAudience(liveRoomId: $id, audience: $audience) { ${ERRORS} }
  }`,
  stopRecording: `mutation LiveStopRecording($id: ID!) { stopRecording(liveRoomId: $id) { ${ERRORS} } }`,
};

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import type { UserErrorData } from '#platform/errors.ts';
import type { EventFrame } from '#platform/events/ports.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { createFileStore } from '#platform/files/file-store.ts';
import { listen, sendJson, type HttpRoute } from '#platform/http.ts';
import { readBody } from '#platform/request-body.ts';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { MEDIA_GRANT_TTL_MS, signMediaGrant } from '#platform/media-grant.ts';
import { createMetrics } from '#platform/metrics.ts';
import type { LiveRole } from '#schema/live-role.ts';
import type { MediaListen } from '../../media-server/deps.ts';
import { findFfmpeg } from '../../media-server/ffmpeg.ts';
import { Observed } from '../media/observed.ts';
import { createLivePage } from '../../media-server/page/live-page.ts';
import { createMediaServer } from '../../media-server/server.ts';
import type { IceServer } from '../../subgraphs/stream/domain/ports.ts';

const SECRET = 'a secret of the browser tests, 32+ characters';

export interface LiveUser {
  readonly email: string;
  readonly password: string;
  readonly displayName: string;
  readonly role: LiveRole;
  readonly userId: string;
  readonly participantId: string;
}

export const liveUser = (displayName: string, role: LiveRole): LiveUser => ({
  email: `${displayName.toLowerCase()}@example.org`,
  password: `password of ${displayName}`,
  displayName,
  role,
  userId: newId('User'),
  participantId: newId('LiveParticipant'),
});

const graphqlRequest = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()) });
const loginVariables = z.object({ input: z.object({ email: z.string(), password: z.string() }) });

export interface LivePlatformOptions extends Pick<Entrance, 'musicMode' | 'iceServers'> {
  readonly listen?: MediaListen;
}

/** The live-room page and a real media server, behind an endpoint that answers the page's queries for `users`, and no subscription. */
export async function startLivePlatform(
  users: readonly LiveUser[],
  workerBin: string,
  options: LivePlatformOptions = {},
) {
  const log = createLog('live-test', 'silent');
  const liveBus = memoryLiveBus();
  const events = new Observed<EventFrame>();
  const durableBus = { ...memoryDurableBus(), publish: async (event: EventFrame) => events.add(event) };
  const folder = await mkdtemp(join(tmpdir(), 'veza-live-'));
  const publicUrl = 'http://localhost';
  const files = await createFileStore({ kind: 'disk', folder, publicUrl, secret: SECRET });
  const media = await createMediaServer({
    listen: options.listen ?? { ip: '127.0.0.1', minPort: 43_000, maxPort: 43_999 },
    workerCount: 1,
    workerBin: { path: workerBin },
    maxPeersPerRoom: 10,
    recordingsFolder: join(folder, 'recordings'),
    files,
    ffmpeg: findFfmpeg(process.env),
    secret: SECRET,
    durableBus,
    liveBus,
    log,
    metrics: createMetrics('live-test'),
  });
  const liveRoomId = newId('LiveRoom');
  const { musicMode, iceServers } = options;
  const entrance = { secret: SECRET, mediaUrl: '/media', musicMode, iceServers };
  const graphql = pageOperations(users, liveRoomId, entrance);
  const routes = [...media.routes, ...createLivePage({ graphqlPath: '/graphql' }), graphql];
  const listener = await listen({ host: '127.0.0.1', port: 0, routes, upgrades: [media.upgrade], log });
  return {
    media,
    liveBus,
    /** What the media server has said for good. */
    events,
    /** Where its files lie. */
    folder,
    secret: SECRET,
    liveRoomId,
    url: `http://127.0.0.1:${listener.port}/live/${liveRoomId}`,
    async close() {
      await media.close();
      await listener.close(0);
      await durableBus.close();
      await liveBus.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Where a grant leads: `mediaUrl` is an address, or a path of the server that the page comes from. */
interface Entrance {
  readonly secret: string;
  readonly mediaUrl: string;
  /** Default: music, because speech processing takes a lasting tone for noise and removes it. */
  readonly musicMode?: boolean;
  /** Servers that find a way for somebody; default: none. */
  readonly iceServers?: (userId: string) => readonly IceServer[];
  /** Why nobody can be sent there now; null where everybody can. Default: they always can. */
  readonly findRefusal?: () => Promise<UserErrorData | null>;
}

/** Answers what the page asks on the way into a room: signing in, what the room is, names, the grant. */
export const pageOperations = (
  users: readonly LiveUser[],
  liveRoomId: string,
  entrance: Entrance,
): HttpRoute => ({
  methods: ['POST'],
  path: '/graphql',
  handle: async (request, response) => {
    const { query, variables } = graphqlRequest.parse(JSON.parse(await readBody(request, 10_000)));
    const caller = users.find(({ userId }) => request.headers.authorization === `Bearer ${userId}`);
    const data = await answer(query, variables, caller, users, { liveRoomId, ...entrance });
    sendJson(response, 200, { data });
  },
});

async function answer(
  query: string,
  variables: unknown,
  caller: LiveUser | undefined,
  users: readonly LiveUser[],
  entrance: Entrance & { readonly liveRoomId: string },
): Promise<unknown> {
  if (query.includes('LiveSignIn')) return { login: signIn(loginVariables.parse(variables).input, users) };
  if (query.includes('LiveOverview')) return overviewFor(caller);
  if (!caller) throw new Error('the page asked without a token');
  if (query.includes('LiveNames')) return namesOf(users);
  const refusal = await entrance.findRefusal?.();
  return { joinLiveRoom: refusal ?? joinOf(caller, entrance) };
}

function signIn(
  { email, password }: { email: string; password: string },
  users: readonly LiveUser[],
): unknown {
  const user = users.find((one) => one.email === email && one.password === password);
  if (!user) return { __typename: 'InvalidCredentialsError', message: 'E-mail or password is wrong.' };
  return { __typename: 'TokenPair', accessToken: user.userId, refreshToken: 'unused' };
}

const overviewFor = (caller: LiveUser | undefined) => ({
  viewer: caller ? { id: caller.userId } : null,
  liveRoom: {
    title: 'Late night session',
    state: 'LIVE',
    broadcastAudience: 'ANYONE',
    host: null,
    raisedHands: [],
    participants: { nodes: [] },
    eventCursor: 'unused',
  },
});

const namesOf = (users: readonly LiveUser[]) => ({
  users: users.map(({ userId: id, displayName }) => ({ id, displayName })),
});

function joinOf(
  { participantId, userId, role }: LiveUser,
  {
    liveRoomId,
    secret,
    mediaUrl,
    musicMode = true,
    iceServers = () => [],
  }: Entrance & { readonly liveRoomId: string },
): unknown {
  const expiresAtMs = Date.now() + MEDIA_GRANT_TTL_MS;
  const grant = { liveRoomId, participantId, userId, role, expiresAtMs, musicMode };
  const token = signMediaGrant(grant, secret);
  return { __typename: 'LiveJoin', mediaUrl, token, resumeKey: 'unused', iceServers: iceServers(userId) };
}

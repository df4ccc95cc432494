import type { Page } from 'playwright-core';
import { newId } from '#platform/ids.ts';
import { createLog } from '#platform/log.ts';
import { signMediaGrant } from '#platform/media-grant.ts';
import { maySpeak, type LiveRole } from '#schema/live-role.ts';
import { requestFrame } from '#schema/signalling.ts';
import { createMediaRefusals } from '../../subgraphs/stream/service/media-refusals.ts';
import { grantFor, SECRET } from '../media/media-kit.ts';
import { servePage } from './bundled-page.ts';
import { HEARD, launch, PATIENCE_MS, SILENCE } from './live-page-driver.ts';
import type { HeardTrack } from './live-ear-page.ts';
import { watchPeerConnections } from './peer-connections.ts';
import { createTone } from './tone.ts';

/** Somebody in a live room, in a Chromium of their own. */
export interface Ear {
  readonly participantId: string;
  readonly page: Page;
  /** Of their microphone; null for those who only listen. */
  readonly hz: number | null;
  /** Methods of what they have asked a media server so far, over whatever socket. */
  readonly requests: readonly string[];
}

/** A tone is found to 12 Hz. */
const NEAR_HZ = 15;
/** Looked at every so often; the page measures whenever it is asked. */
const LOOK_MS = 20;
const SILENT_LOOKS = 50;

/** Which media server somebody is sent to: the address of its socket, or null where there is none now. */
export type Locate = (participantId: string) => Promise<string | null>;

export type LiveEars = Awaited<ReturnType<typeof openLiveEars>>;

/** A room whose people are Chromiums with the live client; grants lead to where `locate` says. */
export async function openLiveEars(executablePath: string, liveRoomId: string, locate: Locate) {
  const roles = new Map<string, LiveRole>();
  const closers: (() => Promise<unknown>)[] = [];
  const refuse = createMediaRefusals({ log: createLog('live-ears', 'silent'), now: () => new Date() });
  const served = await servePage('live-ear-page.ts', async (participantId) => {
    const mediaUrl = await locate(participantId);
    if (mediaUrl === null) return { status: 503, body: refuse('no server').errors[0] };
    const role = roles.get(participantId) ?? 'LISTENER';
    // Without speech processing, which takes a lasting tone for noise.
    const grant = grantFor({ liveRoomId, participantId, role, musicMode: true });
    return { status: 200, body: { mediaUrl, token: signMediaGrant(grant, SECRET), iceServers: [] } };
  });
  closers.push(() => served.close());

  const open = async (hz: number | null): Promise<Pick<Ear, 'page' | 'requests'>> => {
    const tone = await createTone('MONO', hz ?? undefined);
    const browser = await launch(executablePath, tone.path);
    closers.unshift(() => browser.close().then(() => tone.remove()));
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const requests: string[] = [];
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) =>
        requests.push(requestFrame.parse(JSON.parse(String(payload))).method),
      ),
    );
    await watchPeerConnections(page);
    await page.goto(served.origin);
    await page.waitForFunction(() => 'liveEar' in globalThis);
    return { page, requests };
  };

  return {
    /** With a tone they speak, else they listen. Resolves once they are in the room. */
    async enter(hz: number | null, participantId = newId('LiveParticipant')): Promise<Ear> {
      const role = hz === null ? 'LISTENER' : 'SPEAKER';
      roles.set(participantId, role);
      const { page, requests } = await open(hz);
      await page.evaluate((url) => liveEar.enter(url), `${served.origin}/api/${participantId}`);
      await page.waitForFunction(() => liveEar.state()?.connection === 'connected');
      if (maySpeak(role)) await page.evaluate(() => liveEar.speak());
      return { participantId, page, hz, requests };
    },
    async close() {
      for (const close of closers) await close();
    },
  };
}

/** Ids of the consumers that somebody has now. */
export const consumersOf = ({ page }: Ear): Promise<string[]> =>
  page.evaluate(() => liveEar.heard().map(({ consumerId }) => consumerId));

/** Resolves once `listener` hears the speaker's own tone; over a consumer that is not among `former`. */
export async function hears(listener: Ear, { participantId, hz }: Ear, former: string[] = []): Promise<void> {
  await listener.page.waitForFunction(
    ([participantId, hz, near, heard, former]) => {
      const isTone = ({ level, peakHz }: HeardTrack) => level > heard && Math.abs(peakHz - hz) < near;
      const own = liveEar.heard().filter((one) => one.participantId === participantId);
      return own.some((one) => !former.includes(one.consumerId) && isTone(one));
    },
    [participantId, hz ?? 0, NEAR_HZ, HEARD, former] as const,
    { polling: LOOK_MS },
  );
}

/** Resolves once `listener` hears nothing of the speaker. */
export const missesSound = async (listener: Ear, { participantId }: Ear): Promise<void> => {
  await listener.page.waitForFunction(
    ([participantId, silence]) => {
      const own = liveEar.heard().filter((one) => one.participantId === participantId);
      return own.every(({ level }) => level < silence);
    },
    [participantId, SILENCE] as const,
    { polling: LOOK_MS },
  );
};

/** Resolves once `listener` has heard nothing of the speaker for a second. */
export const hearsNothingOf = (listener: Ear, { participantId }: Ear): Promise<void> =>
  listener.page.evaluate(
    async ([participantId, silence, lookMs, looks]) => {
      for (let silent = 0; silent < looks;) {
        const own = liveEar.heard().filter((one) => one.participantId === participantId);
        silent = own.every(({ level }) => level < silence) ? silent + 1 : 0;
        await new Promise((resolve) => setTimeout(resolve, lookMs));
      }
    },
    [participantId, SILENCE, LOOK_MS, SILENT_LOOKS] as const,
  );

/** Resolves once `ear` is told by the server that the speaker is heard. */
export async function seesLevelOf({ page }: Ear, { participantId }: Ear): Promise<void> {
  await page.waitForFunction(
    (id) => liveEar.state()?.others.some((one) => one.participantId === id && one.level > 0),
    participantId,
    { polling: LOOK_MS },
  );
}

/** Resolves once the server tells `ear` that the speaker holds the floor. */
export async function seesFloorOf({ page }: Ear, { participantId }: Ear): Promise<void> {
  await page.waitForFunction((id) => liveEar.state()?.dominant === id, participantId, { polling: LOOK_MS });
}

/** Packets of the streams that are received now; resolves once at least `packets` of each have come. */
export const receptionOf = (
  { page }: Ear,
  packets: number,
): Promise<{ readonly received: number; readonly lost: number }[]> =>
  page.evaluate(async (packets) => {
    for (;;) {
      const open = globalThis.peerConnections.filter(
        ({ connectionState }) => connectionState === 'connected',
      );
      const reports = await Promise.all(open.map((one) => one.getStats()));
      const streams = reports
        .flatMap((report) => [...report.values()])
        .filter(({ type }) => type === 'inbound-rtp')
        .map(({ packetsReceived: received, packetsLost: lost }) => ({ received, lost }));
      if (streams.length > 0 && streams.every(({ received }) => received >= packets)) return streams;
      await new Promise(requestAnimationFrame);
    }
  }, packets);

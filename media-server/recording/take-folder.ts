import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { tryLock, type FileLock } from '#platform/machine/file-lock.mjs';
import { recordingMode } from '#schema/media-bus.ts';
import { syncFolder } from './sync-folder.ts';
import { writeWhole } from './whole-file.ts';

/**
 * A take is what one media server records of one recording without a break. Everything about it is in a folder of its own until all of it is stored
 * and told: whoever starts next finds what a killed server left behind.
 */
const takeSchema = z.object({
  takeId: z.string(),
  recordingId: z.string(),
  liveRoomId: z.string(),
  serverId: z.string(),
  mode: recordingMode,
  startedAt: z.string(),
  /** Ids of what is told about it, so that telling it again changes nothing. */
  eventIds: z.object({ started: z.string(), failed: z.string(), finished: z.string() }),
});
export type Take = z.infer<typeof takeSchema>;

export interface TakeFolder {
  readonly path: string;
  readonly take: Take;
  /** Deletes it with all that is in it. */
  remove(): Promise<void>;
  /** Leaves it for the next start. */
  release(): void;
}

/** A speaker's file in the folder. */
export interface TrackFile {
  readonly path: string;
  readonly participantId: string;
  /** Where it begins, in samples since the take began. */
  readonly offset: number;
}

const MANIFEST = 'take.json';
const ENDING = 'end.json';
const endSchema = z.object({ durationMs: z.number() });
const TRACK = /^(?<participantId>[\w-]+)\.(?<offset>\d+)\.(?<number>\d+)\.ogg$/;

export const trackName = (participantId: string, offset: number, number: number): string =>
  `${participantId}.${offset}.${number}.ogg`;

/** Whether a participant can have a file: ids of ours can. */
export const canHaveTrack = (participantId: string): boolean => /^[\w-]+$/.test(participantId);

export async function createTakeFolder(root: string, take: Take): Promise<TakeFolder> {
  const path = join(root, take.takeId);
  await mkdir(path, { recursive: true });
  const { lock } = tryLock(lockOf(path));
  if (!lock) throw new Error(`${path} is in use.`);
  await writeWhole(path, MANIFEST, JSON.stringify(take));
  await syncFolder(root);
  return takeFolder(path, take, lock);
}

/** Folders whose media server is no more. A folder without a manifest is one in which nothing was recorded yet, or that was being removed. */
export async function findTakeFolders(
  root: string,
  onUnreadable: (path: string, error: unknown) => void,
): Promise<TakeFolder[]> {
  await mkdir(root, { recursive: true });
  const entries = await readdir(root, { withFileTypes: true });
  const open = async (name: string) => {
    const path = join(root, name);
    return openTakeFolder(path).catch((error: unknown) => {
      onUnreadable(path, error);
      return null;
    });
  };
  const folders = entries.filter((entry) => entry.isDirectory());
  const found = await Promise.all(folders.map(({ name }) => open(name)));
  return found.filter((folder) => folder !== null);
}

/** Notes that the take came to its own end. */
export async function markEnd({ path }: TakeFolder, durationMs: number): Promise<void> {
  await writeWhole(path, ENDING, JSON.stringify({ durationMs }));
}

/** How long the take was; null where it did not come to its own end. */
export async function readEnd({ path }: TakeFolder): Promise<number | null> {
  const text = await readFile(join(path, ENDING), 'utf8').catch(() => '');
  return text === '' ? null : endSchema.parse(JSON.parse(text)).durationMs;
}

async function openTakeFolder(path: string): Promise<TakeFolder | null> {
  const { lock } = tryLock(lockOf(path));
  if (!lock) return null;
  const text = await readFile(join(path, MANIFEST), 'utf8').catch(() => null);
  if (text !== null) return takeFolder(path, takeSchema.parse(JSON.parse(text)), lock);
  await rm(path, { recursive: true, force: true });
  return null;
}

const lockOf = (path: string) => join(path, 'lock');

function takeFolder(path: string, take: Take, lock: FileLock): TakeFolder {
  return {
    path,
    take,
    async remove() {
      // First: half of a take must not be taken for one.
      await rm(join(path, MANIFEST));
      await syncFolder(path);
      await rm(path, { recursive: true, force: true });
    },
    release: () => lock.release(),
  };
}

/** The speakers' files in the order of their beginning. */
export async function listTracks({ path }: TakeFolder): Promise<TrackFile[]> {
  const tracks = (await readdir(path)).flatMap((name): TrackFile[] => {
    const { participantId, offset } = TRACK.exec(name)?.groups ?? {};
    if (participantId === undefined) return [];
    return [{ path: join(path, name), participantId, offset: Number(offset) }];
  });
  return tracks.sort((a, b) => a.offset - b.offset || a.path.localeCompare(b.path));
}

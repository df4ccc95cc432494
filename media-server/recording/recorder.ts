import { randomUUID } from 'node:crypto';
import { newId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import type { RecordingOrder, RecordingProblem } from '#schema/media-bus.ts';
import type { Voices } from '../voices.ts';
import { Finisher, type FinisherDeps } from './finisher.ts';
import { startTake, type LiveTake } from './live-take.ts';
import { createTakeFolder, findTakeFolders, type Take } from './take-folder.ts';

export interface RecorderDeps extends FinisherDeps {
  readonly serverId: string;
  /** Where takes grow. */
  readonly folder: string;
  readonly voices: Voices;
  /** Whether the room is open on this server. */
  readonly isOpen: (liveRoomId: string) => boolean;
  readonly log: Log;
}

type StartOrder = Extract<RecordingOrder, { kind: 'startRecording' }>;

/** The recordings of this server: takes that go on, and the finishing of those that are over. */
export class Recorder {
  readonly #deps: RecorderDeps;
  readonly #finisher: Finisher;
  readonly #takes = new Map<string, LiveTake>();
  /** Takes that are being begun or go on, by recording. */
  readonly #begun = new Set<string>();
  /** Recordings that cannot be written; an order that comes again does not help them. */
  readonly #failed = new Set<string>();
  #closed = false;

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
    this.#finisher = new Finisher(deps);
  }

  /** Begins to finish what a killed server left in the folder. */
  async recover(): Promise<void> {
    const { folder, log } = this.#deps;
    const onUnreadable = (path: string, error: unknown) =>
      log.error({ err: error, path }, 'a recording that was left behind cannot be read');
    const left = await findTakeFolders(folder, onUnreadable).catch((error: unknown) => {
      onUnreadable(folder, error);
      return [];
    });
    for (const one of left) this.#finisher.finish(one);
  }

  /** Carries an order out; one that was carried out already, or is about a room that is not open here, does nothing. */
  async obey(order: RecordingOrder): Promise<void> {
    if (order.kind === 'stopRecording') return this.#end(order.recordingId);
    const { recordingId, liveRoomId } = order;
    // Another server has the room's voices, or will have them.
    if (!this.#deps.isOpen(liveRoomId)) return this.#end(recordingId);
    if (this.#closed || this.#begun.has(recordingId) || this.#failed.has(recordingId)) return;
    this.#begun.add(recordingId);
    await this.#begin(newTake(order, this.#deps.serverId));
  }

  /** Recordings of the room that are written now. */
  recordingsOf(liveRoomId: string): string[] {
    const takes = [...this.#takes].filter(([, { folder }]) => folder.take.liveRoomId === liveRoomId);
    return takes.map(([recordingId]) => recordingId);
  }

  /** Ends all takes, and finishes what can be finished soon; the rest is for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const recordingId of this.#takes.keys()) this.#end(recordingId);
    await this.#finisher.close();
  }

  async #begin(take: Take): Promise<void> {
    const { recordingId } = take;
    const { voices } = this.#deps;
    try {
      const folder = await createTakeFolder(this.#deps.folder, take);
      const onRoomClosed = () => this.#end(recordingId);
      const onFailed = (error: unknown) => this.#end(recordingId, this.#problemOf(take, error));
      this.#takes.set(recordingId, startTake({ folder, voices, onRoomClosed, onFailed }));
      this.#finisher.tellBegun(take);
      if (this.#closed) this.#end(recordingId);
    } catch (error) {
      this.#begun.delete(recordingId);
      this.#finisher.tellFailed(take, this.#problemOf(take, error));
    }
  }

  #end(recordingId: string, problem: RecordingProblem | null = null): void {
    const take = this.#takes.get(recordingId);
    if (!take) return;
    this.#takes.delete(recordingId);
    this.#begun.delete(recordingId);
    this.#finisher.finish(take.folder, { stopped: take.stop(), problem });
  }

  #problemOf({ recordingId }: Take, error: unknown): RecordingProblem {
    this.#deps.log.error({ err: error, recordingId }, 'a recording cannot be written');
    this.#failed.add(recordingId);
    const code = error instanceof Error && 'code' in error ? error.code : null;
    return code === 'ENOSPC' || code === 'EDQUOT' ? 'STORAGE_FULL' : 'STORAGE_FAILED';
  }
}

const newTake = ({ recordingId, liveRoomId, mode }: StartOrder, serverId: string): Take => ({
  takeId: randomUUID(),
  recordingId,
  liveRoomId,
  serverId,
  mode,
  startedAt: new Date().toISOString(),
  eventIds: { started: newId('Event'), failed: newId('Event'), finished: newId('Event') },
});

import type { Transaction } from '#platform/events/unit-of-work.ts';
import { findActiveRecordings, saveRecording } from '../data/recording.repository.ts';
import type { LiveRoom } from '../domain/live-room.ts';
import { stopped, type Recording } from '../domain/recording.ts';

/** What several use cases record about a recording, each in the caller's transaction with the room locked. `actorId` is null for the platform. */

/** Ends the recording of a room that is locked; null where there is none. */
export async function stopRecording(
  tx: Transaction,
  room: LiveRoom,
  actorId: string | null,
  now: Date,
): Promise<Recording | null> {
  const [active] = await findActiveRecordings(tx.em, [room.id]);
  if (!active) return null;
  const recording = stopped(active, now);
  await saveRecording(tx.em, recording);
  await recordRecording(tx, room, recording, actorId);
  return recording;
}

/** Appends what became of a recording, which has been saved. A room's own log ends with the room. */
export async function recordRecording(
  tx: Transaction,
  room: LiveRoom,
  { id: recordingId, state }: Recording,
  actorId: string | null,
): Promise<void> {
  const stream = room.state === 'ENDED' ? `recording:${recordingId}` : `live-room:${room.id}`;
  const payload = { liveRoomId: room.id, recordingId, state };
  await tx.append({ stream, name: 'liveRoom.recordingChanged', payload, actorId });
}

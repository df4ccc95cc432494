import { z } from 'zod';
import { openJson, signJson } from '#platform/signing.ts';
import { canResume, type LiveParticipant } from '../domain/participant.ts';

const PURPOSE = 'live-resume';
const claims = z.object({ participantId: z.string(), grantedAtMs: z.number() });

/** Brings this participant back for as long as no other grant was given to them: with another window, that one counts. */
export function signResumeKey({ id, grantedAt }: LiveParticipant, secret: string): string {
  const key = { participantId: id, grantedAtMs: grantedAt.getTime() } satisfies z.infer<typeof claims>;
  return signJson(PURPOSE, key, secret);
}

/** Whether the key is that of the participant's last grant, and they are there, or were a moment ago. */
export function resumes(participant: LiveParticipant, resumeKey: string, secret: string, now: Date): boolean {
  const { success, data } = claims.safeParse(openJson(PURPOSE, resumeKey, secret));
  if (!success || data.participantId !== participant.id) return false;
  return data.grantedAtMs === participant.grantedAt.getTime() && canResume(participant, now);
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RECORDING_PROBLEMS } from '#schema/media-bus.ts';
import { writeWhole } from './whole-file.ts';

const outcomeFile = z.object({
  /** In the take's folder. */
  name: z.string(),
  /** In the file store. */
  key: z.string(),
  /** Null for the mix. */
  participantId: z.string().nullable(),
  offsetMs: z.number(),
  durationMs: z.number(),
  /** Null until it is stored. */
  sizeBytes: z.number().nullable(),
});

/**
 * What a take has come to. It is decided once and noted in the take's folder, with every file that is stored: whoever goes on after an outage or a
 * crash mixes nothing again, stores no file twice, and touches none that was told of.
 */
const takeOutcome = z.object({
  durationMs: z.number(),
  problem: z.enum(RECORDING_PROBLEMS).nullable(),
  files: z.array(outcomeFile),
});
export type TakeOutcome = z.infer<typeof takeOutcome>;
export type OutcomeFile = z.infer<typeof outcomeFile>;

const OUTCOME = 'outcome.json';

/** Null where it was not decided yet. */
export async function readOutcome(folder: string): Promise<TakeOutcome | null> {
  const text = await readFile(join(folder, OUTCOME), 'utf8').catch(() => '');
  return text === '' ? null : takeOutcome.parse(JSON.parse(text));
}

/** On a full disk nothing is noted: the take is worth more than what its next attempt is spared. */
export async function noteOutcome(folder: string, outcome: TakeOutcome): Promise<void> {
  await writeWhole(folder, OUTCOME, JSON.stringify(outcome)).catch(() => undefined);
}

import type { IdType } from '#platform/ids.ts';

export type LiveMetric = 'PLAYS' | 'LISTENERS' | 'MESSAGES_PER_MINUTE';

export interface LiveCounter {
  readonly subjectId: string;
  readonly metric: LiveMetric;
  readonly value: number;
  readonly at: Date;
}

/** What a metric is about. */
export const SUBJECT_OF_METRIC = {
  PLAYS: 'Track',
  LISTENERS: 'LiveRoom',
  MESSAGES_PER_MINUTE: 'Room',
} as const satisfies Record<LiveMetric, IdType>;

/** Topic of the live bus on which a hint says that the number may have changed, or, as SUBJECT_CHANGED, who may see it. */
export const topicOf = (metric: LiveMetric, subjectId: string): string => `analytics:${metric}:${subjectId}`;
export const NUMBER_CHANGED = 'number';
export const SUBJECT_CHANGED = 'subject';

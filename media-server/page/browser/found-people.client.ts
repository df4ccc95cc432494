import { z } from 'zod';
import { liveRole } from '#schema/live-role.ts';
import { UNKNOWN, type Person } from './people.client.ts';

/** Somebody as the graph tells of them, in the room or banned from it. */
export type FoundPerson = Pick<Person, 'participantId' | 'name' | 'role' | 'muted' | 'asks' | 'invited'>;
export interface FoundPeople {
  readonly people: readonly FoundPerson[];
  /** The `after` of the next page; null on the last one. */
  readonly next: string | null;
}

/** Lists of a room in which people are found. */
export type PeopleList = 'participants' | 'bannedParticipants';

/** As many are found at a time. */
export const PEOPLE_PER_PAGE = 20;

export const findPeople = (
  list: PeopleList,
): string => `query LivePeople($id: ID!, $search: String, $after: String) {
  liveRoom(id: $id) {
    people: ${list}(first: ${PEOPLE_PER_PAGE}, search: $search, after: $after) {
      nodes { id role muted handRaisedAt invitedAt user { displayName } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

const person = z.object({
  id: z.string(),
  user: z.object({ displayName: z.string() }).nullable(),
  role: liveRole,
  muted: z.boolean(),
  handRaisedAt: z.string().nullish(),
  invitedAt: z.string().nullish(),
});
const answer = z.object({
  liveRoom: z
    .object({
      people: z
        .object({
          nodes: z.array(person),
          pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }),
        })
        .nullish(),
    })
    .nullish(),
});

/** Nobody, where the list is not for the visitor. */
export function foundIn(received: unknown): FoundPeople {
  const found = answer.parse(received).liveRoom?.people;
  if (!found) return { people: [], next: null };
  const people = found.nodes.map(({ id, user, role, muted, handRaisedAt, invitedAt }) => ({
    participantId: id,
    name: user?.displayName ?? UNKNOWN,
    role,
    muted,
    asks: !!handRaisedAt,
    invited: !!invitedAt,
  }));
  return { people, next: found.pageInfo.hasNextPage ? (found.pageInfo.endCursor ?? null) : null };
}

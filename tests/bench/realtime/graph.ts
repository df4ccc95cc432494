/** The measured graph: rooms whose events have a log, and three subgraphs that complete them. */
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse, type GraphQLSchema } from 'graphql';

export const SUBGRAPHS = ['rooms', 'users', 'tracks', 'badges'] as const;
export type SubgraphName = (typeof SUBGRAPHS)[number];

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])\n';

const SDL: Readonly<Record<SubgraphName, string>> = {
  rooms: `${LINK}
    type Query { rooms: Int! }
    type Subscription { roomEvents(roomId: ID!, after: String): RoomEvent! posted(roomId: ID!): MessagePosted! }
    interface RoomEvent { cursor: String! seq: Int! }
    type MessagePosted implements RoomEvent @key(fields: "id") { id: ID! cursor: String! seq: Int! message: Message! }
    type ResyncRequired implements RoomEvent { cursor: String! seq: Int! reason: ResyncReason! }
    enum ResyncReason { WINDOW_EXPIRED SLOW_CONSUMER }
    type Message { id: ID! text: String! sentAtUs: Float! author: User! track: Track! badge: Badge! }
    type User @key(fields: "id", resolvable: false) { id: ID! }
    type Track @key(fields: "id", resolvable: false) { id: ID! }
    type Badge @key(fields: "id", resolvable: false) { id: ID! }`,
  users: `${LINK} type User @key(fields: "id") { id: ID! name: String! handle: String! avatarUrl: String }`,
  tracks: `${LINK} type Track @key(fields: "id") { id: ID! title: String! durationMs: Int! }`,
  badges: `${LINK} type Badge @key(fields: "id") { id: ID! label: String! level: Int! }`,
};

const EVENT = `__typename cursor seq ... on MessagePosted { message { id text sentAtUs author { id name handle avatarUrl }
  track { id title durationMs } badge { id label level } } }`;

/** The event with everything: three entity fetches, side by side. */
export const ROOM_EVENTS = `subscription Events($roomId: ID!, $after: String) { event: roomEvents(roomId: $roomId, after: $after) { ${EVENT} } }`;

/** The same of events that are announced on Redis: the event itself is fetched, too. */
export const POSTED = `subscription Posted($roomId: ID!) { event: posted(roomId: $roomId) { ${EVENT} } }`;

/** Where events are announced; a template of the gateway's settings. */
export const POSTED_TOPIC = 'bench.posted.{roomId}';

const PEOPLE = 50;

/** Event number `seq` of a room, as the subgraph of rooms tells it. */
export const messageAt = (roomId: string, seq: number, sentAtUs: number) => ({
  __typename: 'MessagePosted',
  id: `${roomId} ${seq}`,
  cursor: `${seq}`,
  seq,
  message: {
    id: `${roomId}-${seq}`,
    text: `Message number ${seq}: the second take of the bridge is the better one, é ok?`,
    sentAtUs,
    author: { id: `u${seq % PEOPLE}` },
    track: { id: `t${seq % PEOPLE}` },
    badge: { id: `b${seq % PEOPLE}` },
  },
});

/** What the subgraph of rooms is executed with. */
export interface Finding {
  /** An event by its id. */
  find(id: string): object | null;
}

interface Entity {
  readonly id: string;
}

const resolvers: Readonly<Record<SubgraphName, object>> = {
  rooms: {
    Query: { rooms: () => 1 },
    MessagePosted: { __resolveReference: ({ id }: Entity, { find }: Finding) => find(id) },
  },
  users: {
    User: {
      name: ({ id }: Entity) => `User ${id}`,
      handle: ({ id }: Entity) => `handle_${id}`,
      avatarUrl: ({ id }: Entity) => `https://images.example/${id}.png`,
    },
  },
  tracks: { Track: { title: ({ id }: Entity) => `Track ${id}`, durationMs: () => 180_000 } },
  badges: { Badge: { label: ({ id }: Entity) => `Badge ${id}`, level: () => 3 } },
};

/** One subgraph, executable. */
export function subgraphSchema(name: SubgraphName): GraphQLSchema {
  return buildSubgraphSchema([{ typeDefs: parse(SDL[name]), resolvers: resolvers[name] as never }]);
}

/** The supergraph of the subgraphs at these addresses, as SDL. */
export function supergraphAt(ports: Readonly<Record<SubgraphName, number>>): string {
  const result = composeServices(
    SUBGRAPHS.map((name) => ({
      name,
      url: `http://127.0.0.1:${ports[name]}/graphql`,
      typeDefs: parse(SDL[name]),
    })),
  );
  if (result.supergraphSdl === undefined)
    throw new Error(`The measured graph does not compose: ${result.errors?.join('\n')}`);
  return result.supergraphSdl;
}

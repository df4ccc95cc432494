import { DEMO_PASSWORD, DEMO_ROOM_ID, DEMO_USERS } from '#platform/demo.ts';

const [mira] = DEMO_USERS;

/** Operations that the explorer shows in tabs; all of them work on the demo data as they are. */
export const examples: readonly string[] = [
  `# One query, five subgraphs: profile, presence, tracks with play counts, the live room and the shop.
query Welcome {
  user(handle: "${mira.handle}") {
    displayName
    bio
    followerCount
    presence { status }
    tracks(first: 5) { nodes { title durationMs likeCount playCount } }
    liveRoom { id title state }
    products(first: 5) { nodes { title priceRange { min { amount currency } } } }
  }
}
`,
  `# Put the token into the headers tab as { "authorization": "Bearer …" } to act as ${mira.displayName}.
mutation SignIn {
  login(input: { email: "${mira.email}", password: "${DEMO_PASSWORD}" }) {
    ... on TokenPair { accessToken expiresInSeconds viewer { user { displayName } } }
    ... on UserError { message }
  }
}
`,
  `# Everything that happens in the room from now on; needs the headers of the sign-in.
# Hand the last cursor back as \`after\` to continue without loss.
subscription Room {
  roomEvents(roomId: "${DEMO_ROOM_ID}") {
    __typename
    cursor
    ... on MessageCreated { message { content author { displayName } } }
  }
}
`,
  `# Run it while the subscription is open in another window.
mutation SayHello {
  sendMessage(input: { roomId: "${DEMO_ROOM_ID}", content: "Hello", clientNonce: "hello-1" }) {
    message { seq createdAt }
    userErrors { message }
  }
}
`,
];

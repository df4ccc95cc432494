/** People of the demo data. Their ids are fixed, so that every subgraph can seed its part without asking another. */
export const DEMO_USERS = [
  {
    id: 'usr_01hs8z3q4e7k2m5n8p0r3t6v9x',
    handle: 'mira',
    displayName: 'Mira Okafor',
    email: 'mira@demo.veza.example',
    bio: 'Ambient and broken beats from a kitchen in Lyon.',
    roles: ['USER', 'ARTIST', 'ADMIN'],
  },
  {
    id: 'usr_01hs8z3q4f1a4c7e0g3j6m9p2s',
    handle: 'teo',
    displayName: 'Teo Lindqvist',
    email: 'teo@demo.veza.example',
    bio: 'Mixes other people’s records, slowly.',
    roles: ['USER', 'ARTIST'],
  },
  {
    id: 'usr_01hs8z3q4g5b8d1f4h7k0n3q6t',
    handle: 'juno',
    displayName: 'Juno Park',
    email: 'juno@demo.veza.example',
    bio: 'Listens first. Field recordings, sometimes.',
    roles: ['USER'],
  },
] as const;

/** Password of all demo accounts. They exist only where the demo data was asked for. */
export const DEMO_PASSWORD = 'music-makers';

/** Tracks of the demo, by title. */
export const DEMO_TRACKS = [
  { id: 'trk_01hs8z3q5a2d6f9h3k7m0p4r8t', artistId: DEMO_USERS[0].id, title: 'Kettle, Half Past Five' },
  { id: 'trk_01hs8z3q5b7e1g4j8n2q5s9v3w', artistId: DEMO_USERS[0].id, title: 'Passage du Vent' },
  { id: 'trk_01hs8z3q5c4f8h2k6n0r3t7w1x', artistId: DEMO_USERS[0].id, title: 'Broken Lift' },
  { id: 'trk_01hs8z3q5d9g3j7m1p5s8v2y6z', artistId: DEMO_USERS[1].id, title: 'Slow Mix (Tape B)' },
  { id: 'trk_01hs8z3q5e1h5k9n3q7t0w4z8b', artistId: DEMO_USERS[1].id, title: 'Harbour at Four' },
] as const;

/** A live room that is on: anyone can join it. */
export const DEMO_LIVE_ROOM_ID = 'liv_01hs8z3q6a3e7g1j5n9q2t6w0y';
/** A live room that is announced for later. */
export const DEMO_SCHEDULED_ROOM_ID = 'liv_01hs8z3q6b8f2h6k0p4s7v1x5z';

/** A public chat channel with a conversation in it. */
export const DEMO_ROOM_ID = 'rom_01hs8z3q7a4f8h2k6m0q3t7w1y';
/** Another public chat channel. */
export const DEMO_GEAR_ROOM_ID = 'rom_01hs8z3q7b5g9j3n7p1r4v8x2z';

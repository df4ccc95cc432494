import type { RequestAnswer } from '#schema/signalling.ts';

type OpusSettings = RequestAnswer<'authenticate'>['opus'];

const SPEECH: OpusSettings = { stereo: false, dtx: true, fec: true, maxAverageBitrateBps: 40_000 };

// DTX cuts the tails of notes, and stereo at speech bitrates sounds worse than mono.
const MUSIC: OpusSettings = { stereo: true, dtx: false, fec: true, maxAverageBitrateBps: 160_000 };

export const opusSettingsFor = (musicMode: boolean): OpusSettings => (musicMode ? MUSIC : SPEECH);

import type { types } from 'mediasoup';
import type { RequestAnswer } from '#schema/signalling.ts';

type IceCandidates = RequestAnswer<'createTransport'>['iceCandidates'];

/** Candidates with what signalling knows of them, and nothing else. */
export const toldCandidates = (candidates: readonly types.IceCandidate[]): IceCandidates =>
  candidates.map(({ foundation, priority, ip, address, protocol, port, type, tcpType }) => ({
    foundation,
    priority,
    ip,
    address,
    protocol,
    port,
    type,
    ...(tcpType === undefined ? {} : { tcpType }),
  }));

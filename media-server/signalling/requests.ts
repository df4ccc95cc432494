import { z } from 'zod';
import {
  isRequestMethod,
  REQUESTS,
  type RequestAnswer,
  type RequestData,
  type RequestMethod,
} from '#schema/signalling.ts';
import type { Session } from './session.ts';
import { SignallingError } from './signalling-error.ts';

type Handlers = {
  readonly [M in RequestMethod]: (session: Session, data: RequestData<M>) => Answer<M> | Promise<Answer<M>>;
};

/** As a function, what is to be answered is read when it is sent. */
type Answer<M extends RequestMethod> = RequestAnswer<M> | (() => RequestAnswer<M>);

const nothing = () => ({});

const handlers: Handlers = {
  authenticate: (session, { token }) => session.authenticate(token),
  join: (session, { rtpCapabilities }) => {
    const { room, peer } = session.requireSeat();
    return room.join(peer, rtpCapabilities);
  },
  listListeners: (session, { after = '' }) =>
    session.requireSeat().room.attendance.roster.listenersBehind(after),
  createTransport: (session, { direction }) => session.requireSeat().peer.createTransport(direction),
  connectTransport: async (session, { transportId, dtlsParameters }) => {
    await session.requireSeat().peer.connectTransport(transportId, dtlsParameters);
    return {};
  },
  restartIce: (session, { transportId }) => session.requireSeat().peer.restartIce(transportId),
  produce: async (session, data) => ({ producerId: await session.requireSeat().peer.produce(data) }),
  pauseProducer: async (session, { producerId }) => {
    await session.requireSeat().peer.pauseProducer(producerId);
    return {};
  },
  resumeProducer: async (session, { producerId }) => {
    await session.requireSeat().peer.resumeProducer(producerId);
    return {};
  },
  closeProducer: (session, { producerId }) => {
    session.requireSeat().peer.closeProducer(producerId);
    return {};
  },
  consume: (session, { producerId }) => {
    const { room, peer } = session.requireSeat();
    return room.consume(peer, producerId);
  },
  resumeConsumer: async (session, { consumerId }) => {
    await session.requireSeat().peer.resumeConsumer(consumerId);
    return {};
  },
  leave: nothing,
  ping: nothing,
};

/** Answers a request frame. Rejects with a SignallingError where the request is refused. */
export async function answerRequest(session: Session, method: string, data: unknown): Promise<unknown> {
  if (!isRequestMethod(method)) throw new SignallingError('UNKNOWN_METHOD', 'There is no such method.');
  return run(session, method, data);
}

async function run<M extends RequestMethod>(session: Session, method: M, data: unknown): Promise<unknown> {
  const parsed = REQUESTS[method].data.safeParse(data);
  if (!parsed.success) throw new SignallingError('BAD_REQUEST', problemOf(method, parsed.error));
  // TypeScript does not see that schema and handler of one method belong together.
  return handlers[method](session, parsed.data as RequestData<M>);
}

const problemOf = (method: string, { issues }: z.ZodError) =>
  `${method}: ${issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join('.') || 'data'}: ${message}`)
    .join('; ')}`;

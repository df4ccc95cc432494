import { setTimeout as delay } from 'node:timers/promises';
import type { LiveBus } from '#platform/events/ports.ts';
import { followTopic } from '#platform/events/topic-feed.ts';
import type { Log } from '#platform/log.ts';
import {
  LISTENING_TOPIC,
  listeningAnswer,
  listeningAnswers,
  MAX_LISTENERS_ASKED,
  type Listener,
  type ListeningAnswer,
  type ListeningQuestion,
} from '#schema/listening.ts';

/** Whether people may listen to broadcasts, as the stream subgraph says. */
export interface ListeningRights {
  /** Null where nobody has answered in time: neither allowed nor refused. */
  may(listener: Listener): Promise<boolean | null>;
  /** Something about who may listen to that room has changed: it is asked for at once. */
  doubt(liveRoomId: string): void;
  close(): Promise<void>;
}

export interface ListeningRightsOptions {
  readonly serverId: string;
  readonly liveBus: LiveBus;
  readonly log: Log;
  /** An answer counts for as long; players ask several times a second, and hear of the end of their right with the next time. */
  readonly recheckMs?: number;
}

interface Known {
  readonly listener: Listener;
  readonly allowed: boolean;
  /** When it was said. */
  readonly saidAtMs: number;
  /** Until when nobody waits for another answer. */
  readonly goodUntilMs: number;
}

const RECHECK_MS = 10_000;
/** In this last share of the time for which an answer counts the next one is asked for already: a listener at the live edge has no time to wait for it. */
const AHEAD_SHARE = 0.2;
/** While the stream subgraph does not answer, what it said last counts for as long. */
const GRACE_MS = 60_000;
const GATHER_MS = 20;
const ASK_AGAIN_MS = 500;
const ANSWER_DEADLINE_MS = 3_000;

const keyOf = ({ liveRoomId, userId }: Listener): string => `${liveRoomId} ${userId ?? ''}`;

export function createListeningRights(options: ListeningRightsOptions): ListeningRights {
  const { serverId, liveBus, log, recheckMs = RECHECK_MS } = options;
  const aheadMs = recheckMs * AHEAD_SHARE;
  const known = createKnown();
  const questions = createQuestions(options);
  const answers = followTopic({
    ...{ liveBus, log },
    topic: listeningAnswers(serverId),
    schema: listeningAnswer,
    onMessage({ listeners }) {
      known.learn(listeners, recheckMs);
      for (const listener of listeners) questions.answered(listener);
    },
  });

  return {
    async may(listener) {
      const startedAtMs = Date.now();
      const current = known.find(listener);
      if (current && startedAtMs < current.goodUntilMs) {
        if (startedAtMs >= current.goodUntilMs - aheadMs) void questions.ask(listener);
        return current.allowed;
      }
      const patienceMs = current ? ASK_AGAIN_MS : ANSWER_DEADLINE_MS;
      // The live bus may lose a question as well as its answer.
      while (Date.now() < startedAtMs + patienceMs) {
        const timer = new AbortController();
        await Promise.race([questions.ask(listener), delay(ASK_AGAIN_MS, null, timer).catch(() => null)]);
        timer.abort();
        const answer = known.find(listener);
        if (answer && answer.saidAtMs >= startedAtMs) return answer.allowed;
      }
      // Not everything that is asked for meanwhile waits as long.
      known.keep(listener, aheadMs);
      return known.find(listener)?.allowed ?? null;
    },
    doubt: known.doubt,
    async close() {
      questions.close();
      await answers.close();
    },
  };
}

/** What was said about listeners in the last GRACE_MS. */
function createKnown() {
  const known = new Map<string, Known>();
  const find = (listener: Listener): Known | null => {
    const found = known.get(keyOf(listener));
    return found && Date.now() - found.saidAtMs < GRACE_MS ? found : null;
  };
  const set = (one: Known) => void known.set(keyOf(one.listener), one);
  return {
    find,
    learn(listeners: ListeningAnswer['listeners'], goodForMs: number): void {
      const saidAtMs = Date.now();
      for (const [key, one] of known) if (saidAtMs - one.saidAtMs > GRACE_MS) known.delete(key);
      const goodUntilMs = saidAtMs + goodForMs;
      for (const { allowed, ...listener } of listeners) set({ listener, allowed, saidAtMs, goodUntilMs });
    },
    keep(listener: Listener, goodForMs: number): void {
      const one = find(listener);
      if (one) set({ ...one, goodUntilMs: Date.now() + goodForMs });
    },
    doubt(liveRoomId: string): void {
      for (const one of known.values())
        if (one.listener.liveRoomId === liveRoomId) set({ ...one, goodUntilMs: 0 });
    },
  };
}

/** Questions are gathered: a thousand players ask in the same second. */
function createQuestions({ serverId, liveBus, log }: ListeningRightsOptions) {
  const asked = new Map<string, Listener>();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  let gathering: NodeJS.Timeout | null = null;
  const settle = (key: string, answer: PromiseWithResolvers<void>) => {
    answer.resolve();
    if (waiting.get(key) === answer) waiting.delete(key);
  };
  const publish = () => {
    const listeners = [...asked.values()].slice(0, MAX_LISTENERS_ASKED);
    for (const listener of listeners) asked.delete(keyOf(listener));
    gathering = asked.size > 0 ? setTimeout(publish, GATHER_MS) : null;
    const question: ListeningQuestion = { serverId, listeners };
    liveBus.publish(LISTENING_TOPIC, question).catch((error: unknown) => {
      log.warn({ err: error }, 'who may listen is not asked');
    });
  };
  return {
    /** Resolves with the next answer about that listener, or when it is too late for one. */
    ask(listener: Listener): Promise<void> {
      const key = keyOf(listener);
      asked.set(key, listener);
      gathering ??= setTimeout(publish, GATHER_MS);
      const answer = waiting.get(key) ?? Promise.withResolvers<void>();
      // What was lost with the live bus would be waited for as long as the process lives.
      if (!waiting.has(key)) setTimeout(() => settle(key, answer), ANSWER_DEADLINE_MS).unref();
      waiting.set(key, answer);
      return answer.promise;
    },
    answered(listener: Listener): void {
      const key = keyOf(listener);
      const answer = waiting.get(key);
      if (answer) settle(key, answer);
    },
    close: () => void (gathering && clearTimeout(gathering)),
  };
}

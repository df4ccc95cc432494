import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { isIncremental, type Engine } from '../engine/engine.ts';
import type { LiveEvent } from '../engine/live/live-event.ts';
import { isFollowing } from '../engine/live/subscriber.ts';
import { streamOf } from '../engine/live/stream-of.ts';
import { engineLayer, type Answer } from './engine-layer.ts';

type IsHidden = (subgraph: string) => boolean;
type Errors = readonly GraphQLFormattedError[] | undefined;

/** Keeps from clients which of these subgraphs an error came from: no `extensions.service`, no name in the gateway's own messages. */
export function withHiddenServices(engine: Engine, isHidden: IsHidden): Engine {
  const layer = engineLayer(engine, async (scope, run) => hidden(await run(scope), isHidden));
  // One for all who get the event, so that its text is written once.
  const hiddenEvents = new WeakMap<LiveEvent, LiveEvent>();
  const hiddenEvent = (event: LiveEvent): LiveEvent => {
    if (!event.result.errors) return event;
    let shown = hiddenEvents.get(event);
    if (!shown) hiddenEvents.set(event, (shown = event.saying(hide(event.result))));
    return shown;
  };
  const hide = (result: FormattedExecutionResult) => hidden(result, isHidden);
  const follow: Engine['follow'] = async (request, scope, subscriber) => {
    const outcome = await engine.follow(request, scope, {
      next: (event) => subscriber.next(hiddenEvent(event)),
      busy: () => subscriber.busy(),
      end: (last) => subscriber.end(last && hide(last)),
    });
    return isFollowing(outcome) ? outcome : hide(outcome);
  };
  return Object.assign(layer, {
    follow,
    subscribe: (request, scope) => streamOf((subscriber) => follow(request, scope, subscriber), scope.signal),
  } satisfies Partial<Engine>);
}

function hidden<T extends Answer>(answer: T, isHidden: IsHidden): T {
  if (typeof answer === 'string') return answer;
  const whole: Exclude<Answer, string> = answer;
  if (!isIncremental(whole))
    return whole.errors ? Object.assign({}, answer, anonymised(whole, isHidden)) : answer;
  const { initial, subsequent } = whole;
  async function* parts() {
    for await (const part of subsequent)
      yield { ...part, incremental: part.incremental.map((payload) => anonymised(payload, isHidden)) };
  }
  return Object.assign({}, answer, { initial: anonymised(initial, isHidden), subsequent: parts() });
}

function anonymised<T extends { readonly errors?: Errors }>(part: T, isHidden: IsHidden): T {
  return part.errors ? { ...part, errors: part.errors.map((error) => anonymous(error, isHidden)) } : part;
}

function anonymous(error: GraphQLFormattedError, isHidden: IsHidden): GraphQLFormattedError {
  const { service, ...extensions } = error.extensions ?? {};
  if (typeof service !== 'string' || !isHidden(service)) return error;
  return { ...error, message: error.message.replace(`The subgraph ${service} `, 'A subgraph '), extensions };
}

import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { isResultStream } from '#platform/subgraph-endpoint.ts';
import { isIncremental, type Engine } from '../engine/engine.ts';
import { createResultStream } from '../engine/result-stream.ts';
import { engineLayer, type Answer } from './engine-layer.ts';

type IsHidden = (subgraph: string) => boolean;
type Errors = readonly GraphQLFormattedError[] | undefined;

/** Keeps from clients which of these subgraphs an error came from: no `extensions.service`, no name in the gateway's own messages. */
export function withHiddenServices(engine: Engine, isHidden: IsHidden): Engine {
  const layer = engineLayer(engine, async (scope, run) => hidden(await run(scope), isHidden));
  const hide = (result: FormattedExecutionResult) => hidden(result, isHidden);
  return Object.assign(layer, {
    async subscribe(request, scope) {
      const stream = await engine.subscribe(request, scope);
      if (!isResultStream(stream)) return hide(stream);
      const next = async (): Promise<IteratorResult<FormattedExecutionResult, void>> => {
        const { value, done } = await stream.next();
        return done ? { value: undefined, done } : { value: hide(value) };
      };
      return createResultStream(next, async () => void (await stream.return()), scope.signal);
    },
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

import type { FormattedExecutionResult } from 'graphql';
import { errorOfGraphQL, type RealtimeError } from './realtime-error.ts';
import type { Credentials, Tokens } from './tokens.ts';

/** A subscription as it is sent. */
export interface SubscriptionRequest {
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

/** Where the results of one subscription go. From a transport nothing comes after `failed` or `completed`, nor after it was let go. */
export interface Sink<Data> {
  next(result: FormattedExecutionResult<Data>): void;
  failed(error: RealtimeError): void;
  completed(): void;
}

/** One connection to one server. It is never opened again: once it is lost, all that runs on it fails. */
export interface Link {
  readonly url: string;
  /** What the server was told last. */
  readonly credentials: () => Credentials;
  /** Returns what lets the subscription go; calls the sink later only. Where nothing is left on it the connection closes after `LINGER_MS`. */
  subscribe<Data>(request: SubscriptionRequest, sink: Sink<Data>): () => void;
  close(): void;
}

/** A reader that was let go comes back soon, and so does a page that shows something else. */
export const LINGER_MS = 1_000;

export interface TransportOptions {
  /** The first one is used until it fails. */
  readonly urls: readonly string[];
  readonly tokens: Tokens;
  readonly openLink: (url: string) => Link;
  /** Whether one link is for all subscriptions, or each has its own. */
  readonly isShared: boolean;
}

/** A way to the servers. It never tries again by itself, since only a subscription knows where it has to continue. */
export interface Transport {
  /** Returns what lets the subscription go. */
  subscribe<Data>(request: SubscriptionRequest, sink: Sink<Data>): () => void;
  /** To be called when nothing runs on it any more: the connection that lingers is closed. */
  close(): void;
}

export function createTransport({ urls, tokens, openLink, isShared }: TransportOptions): Transport {
  let urlIndex = 0;
  let current: Link | null = null;
  const urlOfNext = () => urls[urlIndex % urls.length] ?? '';
  const open = () => openLink(urlOfNext());
  /** What comes next has to go elsewhere, or with other credentials. What still runs on the link is left alone. */
  const learnFrom = (error: RealtimeError, link: Link) => {
    if (isOfOperation(error)) return;
    if (current === link) current = null;
    if (error.remedy === 'fresh-token') tokens.refuse(link.credentials());
    else if (link.url === urlOfNext()) urlIndex += 1;
  };
  return {
    subscribe<Data>(request: SubscriptionRequest, sink: Sink<Data>) {
      const link = isShared ? (current ??= open()) : open();
      let isOver = false;
      const end = (tell: () => void) => {
        if (isOver) return;
        isOver = true;
        stop();
        tell();
      };
      const failed = (error: RealtimeError) =>
        end(() => {
          learnFrom(error, link);
          sink.failed(error);
        });
      const stop = link.subscribe<Data>(request, {
        next(result) {
          if (isOver) return;
          // Without data it is no event, but tells why the subscription is over.
          if (result.data === undefined) failed(errorOfGraphQL(result.errors ?? []));
          else sink.next(result);
        },
        failed,
        completed: () => end(() => sink.completed()),
      });
      return () => end(() => undefined);
    },
    close() {
      current?.close();
      current = null;
    },
  };
}

/** Whether it says nothing about other operations on the same connection. */
const isOfOperation = ({ remedy, closeCode, status, errors }: RealtimeError): boolean =>
  closeCode === null && (remedy === 'none' || (remedy === 'retry' && status === null && errors.length > 0));

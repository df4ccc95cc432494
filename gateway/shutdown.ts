import { setTimeout as pause } from 'node:timers/promises';
import type { HttpListener } from '#platform/http.ts';
import type { Gateway } from './gateway.ts';

export interface ShutdownPlan {
  /** Not ready, but everything is still served: balancers need a moment to notice. */
  readonly delayMs: number;
  /** The window over which sockets and event streams are closed, so that their clients do not come back all at once. */
  readonly socketsMs: number;
  /** What requests in flight get after that. */
  readonly graceMs: number;
}

/** For what remains when everything is answered: closing of pools and of connections to other services. */
const SLACK_MS = 5_000;

/** Ends a gateway that is mounted on a listener in order, losing no request that it has accepted. */
export async function shutDown(gateway: Gateway, listener: HttpListener, plan: ShutdownPlan): Promise<void> {
  await endService(gateway, listener, plan);
  await gateway.close();
}

/** The part of `shutDown` that clients see: afterwards the gateway is there still, but nobody reaches it. */
export async function endService(
  gateway: Gateway,
  listener: HttpListener,
  { delayMs, socketsMs, graceMs }: ShutdownPlan,
): Promise<void> {
  gateway.withdraw();
  await pause(delayMs);
  await gateway.drain(socketsMs);
  await listener.close(graceMs);
}

/** After this long a part hangs, and the process is ended as it is. */
export function shutdownDeadlineMs({ delayMs, socketsMs, graceMs }: ShutdownPlan): number {
  return delayMs + socketsMs + graceMs + SLACK_MS;
}

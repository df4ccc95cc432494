import { MEDIA_GRANT_TTL_MS, readMediaGrant } from '#platform/media-grant.ts';
import type { MediaControl } from '#schema/media-bus.ts';
import { admit, noOrders, rememberOrder } from './domain/orders.ts';
import type { SessionDeps } from './signalling/session.ts';

export interface Admission {
  /** Orders that grants of earlier moments have to bow to. */
  remember(order: MediaControl): void;
  readonly admit: SessionDeps['admit'];
}

/** Who is let in: a grant of ours, in its time, and not overruled since. */
export function createAdmission(secret: string): Admission {
  let orders = noOrders;
  return {
    remember(order) {
      orders = rememberOrder(orders, order, Date.now(), MEDIA_GRANT_TTL_MS);
    },
    admit(token) {
      const grant = readMediaGrant(token, secret, Date.now());
      if (typeof grant === 'string') return grant;
      const admission = admit(orders, grant, MEDIA_GRANT_TTL_MS);
      return admission.refused ?? admission.grant;
    },
  };
}

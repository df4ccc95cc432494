import { z } from 'zod';
import { EVENTS, type EventName } from '#schema/events.ts';
import type { AnyEvent, EventFrame } from './ports.ts';

/** The outside of an event. The payload stays unknown until `openFrame` has checked it. */
export const eventFrame: z.ZodType<EventFrame> = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  version: z.number().int().positive(),
  stream: z.string().min(1),
  seq: z.number().int().positive(),
  at: z.iso.datetime(),
  actorId: z.string().nullable(),
  correlationId: z.string().nullable(),
  traceparent: z.string().optional(),
  payload: z.unknown(),
});

export type Opened = { readonly event: AnyEvent } | { readonly problem: string };

export function isEventName(name: string): name is EventName {
  return Object.hasOwn(EVENTS, name);
}

/** Checks name, version and payload against the event list. Never throws: an event of the future is a value too. */
export function openFrame(frame: EventFrame): Opened {
  if (!isEventName(frame.name)) return { problem: `${frame.name} is no known event` };
  const definition = EVENTS[frame.name];
  if (frame.version > definition.version)
    return {
      problem: `${frame.name} has version ${frame.version}, this process knows ${definition.version}`,
    };
  const payload = definition.payload.safeParse(frame.payload);
  if (!payload.success) return { problem: `${frame.name} has an invalid payload: ${payload.error.message}` };
  return { event: { ...frame, payload: payload.data } as AnyEvent };
}

// A live message is one object for all local subscribers: it is checked once, not once for each of them.
const opened = new WeakMap<object, AnyEvent | null>();

/** The event in a live message, or null for anything that is not a valid event. */
export function openMessage(message: unknown): AnyEvent | null {
  if (typeof message !== 'object' || message === null) return null;
  const known = opened.get(message);
  if (known !== undefined) return known;
  const frame = eventFrame.safeParse(message);
  const result = frame.success ? openFrame(frame.data) : { problem: 'no frame' };
  const event = 'event' in result ? result.event : null;
  opened.set(message, event);
  return event;
}

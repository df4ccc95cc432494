import { pino, stdSerializers, type DestinationStream, type Logger, type LoggerOptions } from 'pino';

export type Log = Logger;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on standard output unless another `destination` is given; tokens, passwords and cookies never reach them, however deep they are nested. */
export function createLog(service: string, level: LogLevel, destination?: DestinationStream): Log {
  const options: LoggerOptions = {
    level,
    base: { service },
    timestamp: () => `,"at":"${new Date().toISOString()}"`,
    // For the fields of child logs, which no formatter sees.
    redact: { paths: SECRET_PATHS, censor: '***' },
    formatters: {
      level: (label) => ({ level: label }),
      log: (fields) => redacted(fields),
    },
    serializers: { err: (thrown: unknown) => (thrown instanceof Error ? errorFields(thrown) : thrown) },
  };
  return destination ? pino(options, destination) : pino(options);
}

const errorFields = (error: Error) => redacted({ ...stdSerializers.err(error) });

const SECRETS = [
  ...['authorization', 'cookie', 'password', 'secret', 'signature', 'token'],
  ...['accessToken', 'refreshToken', 'internalSecret', 'passwordHash', 'grantToken'],
  ...['x-veza-viewer', 'x-veza-internal', 'set-cookie'],
];
const SECRET_NAMES = new Set(SECRETS.map((name) => name.toLowerCase()));
const SECRET_PATHS = SECRETS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]);
const MAX_DEPTH = 8;

function redacted<T extends object>(fields: T, depth = 0): T {
  const entries = Object.entries(fields).map(([name, value]: [string, unknown]) => [
    name,
    SECRET_NAMES.has(name.toLowerCase()) && value != null ? '***' : redactedValue(value, depth),
  ]);
  return Object.fromEntries(entries);
}

function redactedValue(value: unknown, depth: number): unknown {
  if (Array.isArray(value))
    return depth < MAX_DEPTH ? value.map((item) => redactedValue(item, depth + 1)) : '…';
  // Errors and other classes have serializers of their own.
  if (!isPlain(value)) return value;
  return depth < MAX_DEPTH ? redacted(value, depth + 1) : '…';
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

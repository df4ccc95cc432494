import { Client } from 'pg';
import { EnvironmentError } from './environment.ts';
import { CodedError, messageOf } from './errors.ts';
import { ensureDatabases } from './postgres/ensure-databases.ts';

/**
 * The address of a service's own database: `<SERVICE>_DATABASE_URL` as it is, else a database named `<name>_<service>` on the server of
 * `DATABASE_URL`, where `<name>` is that address's own database (`veza` where it has none).
 */
export function databaseUrlOf(service: string, environment: Readonly<Record<string, unknown>>): string {
  const variable = `${service.toUpperCase()}_DATABASE_URL`;
  const own = environment[variable];
  if (typeof own === 'string') return own;
  if (typeof environment['DATABASE_URL'] !== 'string')
    throw new EnvironmentError([`${variable}: set it, or DATABASE_URL`]);
  const url = new URL(environment['DATABASE_URL']);
  const base = url.pathname.replace(/\/+$/, '') || '/veza';
  url.pathname = `${base}_${service}`;
  return url.href;
}

const CONNECT_TIMEOUT_MS = 5_000;
const NO_SUCH_DATABASE = '3D000';

/**
 * Creates the database where it is missing and the user may; where it exists nothing is done. Throws SERVICE_UNAVAILABLE naming host, port and
 * database, never the password.
 */
export async function ensureDatabase(databaseUrl: string): Promise<void> {
  const url = new URL(databaseUrl);
  const name = decodeURIComponent(url.pathname.slice(1));
  try {
    if (await exists(databaseUrl)) return;
    url.pathname = '/postgres';
    await ensureDatabases(url.href, [name]);
  } catch (error) {
    const message = `The database ${name} at ${url.host} cannot be reached or made: ${messageOf(error)}`;
    throw new CodedError('SERVICE_UNAVAILABLE', message, {}, error);
  }
}

async function exists(databaseUrl: string): Promise<boolean> {
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  try {
    await client.connect();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === NO_SUCH_DATABASE) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

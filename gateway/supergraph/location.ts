import { dirname, resolve } from 'node:path';
import type { GatewayConfig } from '../config-schema.ts';
import { createFileSource } from './file-source.ts';
import type { SupergraphSource } from './source.ts';
import { createUrlSource } from './url-source.ts';

/** The source at a path or at an http(s) address. */
export function sourceAt(location: string, settings: GatewayConfig['supergraph']): SupergraphSource {
  return /^https?:\/\//.test(location)
    ? createUrlSource({ url: location, ...settings })
    : createFileSource({ file: resolve(location), ...settings });
}

/** A path in a configuration file is meant from the folder of that file. */
export function locationFrom(configFile: string, location: string): string {
  return /^https?:\/\//.test(location) ? location : resolve(dirname(configFile), location);
}

/** `node tests/system/run-journey.ts [URL]`: the journey of users against a platform that is running, by default on localhost:4000. */
import { journey } from './journey.ts';

const url = process.argv[2] ?? 'http://localhost:4000';
await journey(url);
process.stdout.write(`The journey of users passed on ${url}.\n`);

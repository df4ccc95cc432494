import { runProcess } from '#platform/process.ts';
import { startMediaProcess } from './media-process.ts';

await runProcess(() => startMediaProcess(process.env));

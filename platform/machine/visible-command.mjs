import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { killGroup } from './process-identity.mjs';

const REPORT_EVERY_MS = 3_000;
const TAIL_LINES = 30;

/** Runs a command to its end and says every few seconds that it still runs; see visible-command.d.mts. */
export async function runVisibly({
  label,
  command,
  args,
  log,
  logFile,
  timeoutMs,
  detail,
  lock,
  ...options
}) {
  const startedAt = Date.now();
  const tail = [];
  let lastDetail = '';
  const file = logFile ? createWriteStream(logFile, { flags: 'a' }) : null;
  file?.on('error', () => {}); // A full disk fails the command itself; the log must not add a crash.
  const onLine = (line) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    file?.write(`${line}\n`);
    lastDetail = detail?.(line) ?? lastDetail;
  };
  const elapsed = () => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  log(`${label} …`);
  const report = setInterval(
    () => log(`${label} … ${elapsed()}${lastDetail && `, ${lastDetail}`}`),
    REPORT_EVERY_MS,
  );
  try {
    const { code, timedOut } = await runInGroup(command, args, options, { onLine, timeoutMs, lock });
    if (code === 0) log(`${label}: done in ${elapsed()}`);
    else tail.push(timedOut ? `${command} was stopped after ${elapsed()}` : `${command} failed (${code})`);
    return { ok: code === 0, tail };
  } finally {
    clearInterval(report);
    file?.end();
  }
}

/**
 * The child leads its own process group, so that everything below it can be ended together: when time is up, when
 * this process is told to end, or by whoever takes the lock over after a kill -9.
 */
async function runInGroup(command, args, options, { onLine, timeoutMs, lock }) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  if (child.pid) lock?.addChild(child.pid);
  splitLines(child.stdout, onLine);
  splitLines(child.stderr, onLine);
  const forward = (signal) => {
    if (child.pid) killGroup(child.pid);
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  let timedOut = false;
  const timer = timeoutMs
    ? setTimeout(() => ((timedOut = true), child.pid && killGroup(child.pid)), timeoutMs)
    : undefined;
  try {
    const code = await new Promise((resolve) => {
      child.on('error', (error) => (onLine(error.message), resolve(error.code ?? 'error')));
      child.on('close', (exitCode, signal) => resolve(exitCode ?? signal));
    });
    return { code, timedOut };
  } finally {
    clearTimeout(timer);
    for (const signal of signals) process.off(signal, forward);
  }
}

function splitLines(stream, onLine) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => {
    const lines = (rest + chunk).split(/\r?\n|\r/);
    rest = lines.pop();
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => rest && onLine(rest));
}

import { readFileSync } from 'node:fs';

/** `{ pid, birth }`: process ids are reused, so a process is told by its id together with when it began. */
export const identify = (pid) => ({ pid, birth: birthOf(pid) });

/** Whether exactly this process still runs; a zombie does not. */
export function isAlive({ pid, birth }) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  const now = birthOf(pid);
  return now !== null && now === birth;
}

/** Kills a process group at once, with -9; a group that is gone already is fine. */
export function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Boot id and clock ticks since that boot; null when there is no such process. */
function birthOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name may hold spaces and brackets, so fields are counted from the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return `${bootId()}:${fields[19]}`;
  } catch {
    return null;
  }
}

const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/**
 * Detects whether another program of the pipeline may write to the terminal.
 *
 * In `llama xargs ... | jq`, jq writes to the terminal at any time, and llama cannot keep a bar from
 * mixing with jq's lines.
 *
 * @module
 */

/** An open file of a process. */
interface OpenFile {
  readonly number: number;
  /** Its target in `/proc`: a path, `pipe:[123]` or `socket:[123]`. */
  readonly target: string;
  readonly isWritable: boolean;
}

/**
 * Reports whether standard output is a pipe whose readers, or theirs in turn, may write to a
 * terminal. The readers can be found only on Linux; elsewhere any pipe may.
 *
 * @returns False if standard output is not a pipe, or no program of the pipeline has a terminal open,
 * except as its standard error.
 */
export function pipelineMayShow(): boolean {
  try {
    const { isFifo, isSocket } = Deno.statSync("/dev/fd/1");
    if (!isFifo && !isSocket) return false;
  } catch {
    // Standard output is closed.
    return false;
  }
  if (Deno.build.os !== "linux") return true;
  try {
    return mayShow(Deno.readLinkSync("/proc/self/fd/1"), openFiles());
  } catch {
    return true;
  }
}

/** Reports whether data written to a pipe may end up on a terminal. */
function mayShow(first: string, processes: readonly (readonly OpenFile[])[]): boolean {
  const pipes = new Set([first]);
  // Pipes that are added during the iteration are visited, too.
  for (const pipe of pipes) {
    const readers = processes.filter((files) =>
      files.some(({ target, isWritable }) => target === pipe && !isWritable)
    );
    // The reader has not opened the pipe yet, or belongs to another user.
    if (readers.length === 0) return true;
    for (const files of readers) {
      if (files.some(({ number, target }) => number !== 2 && isTerminal(target))) return true;
      const output = files.find(({ number }) => number === 1)?.target ?? "";
      if (output.startsWith("socket:")) return true;
      if (output.startsWith("pipe:")) pipes.add(output);
    }
  }
  return false;
}

function isTerminal(target: string): boolean {
  return /^\/dev\/(pts\/|tty|console)/.test(target);
}

/** Returns the open files of each process in this session; a pipeline is within one session. */
function openFiles(): OpenFile[][] {
  const own = sessionOf("self");
  const processes = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (sessionOf(name) === own) processes.push(filesOf(name));
    } catch {
      // The process has ended, or belongs to another user.
    }
  }
  return processes;
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: state, ppid, pgrp, session. */
function sessionOf(pid: string): string {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3] ?? "";
}

function filesOf(pid: string): OpenFile[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => {
    const target = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    const info = Deno.readTextFileSync(`/proc/${pid}/fdinfo/${name}`);
    // The flags are octal; the last digit is 1 for O_WRONLY and 2 for O_RDWR.
    return { number: Number(name), target, isWritable: /^flags:\s+\d*[12]$/m.test(info) };
  });
}

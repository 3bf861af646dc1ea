/**
 * Where the output of a pipeline ends up.
 *
 * In `llama xargs ... | jq`, jq writes to the terminal whenever it likes. A bar that is drawn there
 * meanwhile goes into its lines, and nothing that llama does with its own output can prevent that.
 *
 * @module
 */

/** An open file of a process. */
interface OpenFile {
  readonly number: number;
  /** What it is, as `/proc` names it: a path, `pipe:[123]` or `socket:[123]`. */
  readonly target: string;
  readonly isWritable: boolean;
}

/**
 * Returns whether standard output is a pipe whose other end may write to a terminal. That it does not
 * is known only on Linux, where all processes that read the pipe can be seen, and those that read
 * from them.
 *
 * @returns False if standard output is no pipe, or nothing of the pipeline has a terminal open but
 * for its standard error.
 */
export function pipelineMayShow(): boolean {
  try {
    const { isFifo, isSocket } = Deno.statSync("/dev/fd/1");
    if (!isFifo && !isSocket) return false;
  } catch {
    // It is closed, and nothing goes into it.
    return false;
  }
  if (Deno.build.os !== "linux") return true;
  try {
    return mayShow(Deno.readLinkSync("/proc/self/fd/1"), openFiles());
  } catch {
    return true;
  }
}

/** Whether what goes into a pipe may be shown. */
function mayShow(first: string, processes: readonly (readonly OpenFile[])[]): boolean {
  const pipes = new Set([first]);
  // The set grows meanwhile, and what was added is visited too.
  for (const pipe of pipes) {
    const readers = processes.filter((files) =>
      files.some(({ target, isWritable }) => target === pipe && !isWritable)
    );
    // Nobody has it open yet, or it is another user's process.
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

/** The open files of each process of this session: a pipeline is one shell's. */
function openFiles(): OpenFile[][] {
  const own = sessionOf("self");
  const processes = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (sessionOf(name) === own) processes.push(filesOf(name));
    } catch {
      // It has ended, or is another user's.
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
    // In octal; the last digit is 1 or 2 with O_WRONLY or O_RDWR.
    return { number: Number(name), target, isWritable: /^flags:\s+\d*[12]$/m.test(info) };
  });
}

/**
 * The processors that a comparison runs on.
 *
 * @module
 */

/** How many processors the programs and their server share, whatever the machine has. */
const shared = 2;

/**
 * Pins this process, and with it those that it starts, to two processors: how much a client gains
 * from its server's running elsewhere would otherwise depend on the machine.
 *
 * @returns The number of processors.
 * @throws {Error} If taskset of util-linux fails.
 */
export async function pinProcessors(): Promise<number> {
  const process = String(Deno.pid);
  const list = /list: (\S+)/.exec(await taskset("-cp", process))?.[1] ?? "";
  const chosen = processorsOf(list).slice(0, shared);
  await taskset("-acp", chosen.join(","), process);
  return chosen.length;
}

/**
 * Parses a list of processors.
 *
 * @param list Such as `0,2-5`.
 * @returns Their numbers.
 */
export function processorsOf(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first = NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** Returns the processor's name; its architecture if the system does not tell. */
export async function processorName(): Promise<string> {
  try {
    const text = await Deno.readTextFile("/proc/cpuinfo");
    return /^model name\s*:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? Deno.build.arch;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return Deno.build.arch;
    throw error;
  }
}

async function taskset(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("taskset", { args }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`taskset: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}

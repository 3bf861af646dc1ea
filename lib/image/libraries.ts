/**
 * The shared libraries that a program is linked with.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";

/** What the loader finds for a program or a library. */
export interface Libraries {
  /** The paths of those that are there. */
  readonly found: readonly string[];
  /** The names of those that are not. */
  readonly missing: readonly string[];
}

/**
 * Asks the program's own loader. It prints what it would load, and runs none of the program's code.
 *
 * @param loader The loader, the `PT_INTERP` of a program.
 * @param path The program or library.
 * @param signal Cancels the operation.
 * @returns What it finds; nothing for what is linked statically.
 * @throws {LlamaError} `usage` if the loader cannot be run.
 */
export async function librariesOf(
  loader: string,
  path: string,
  signal?: AbortSignal,
): Promise<Libraries> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(loader, {
      args: ["--list", path],
      // The loader's own variables would find other libraries than Lambda does.
      clearEnv: true,
      env: { LC_ALL: "C" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...(signal === undefined ? {} : { signal }),
    }).output();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new LlamaError(
      "usage",
      `cannot run ${loader}, which loads ${JSON.stringify(path)}: ${reasonOf(cause)}`,
      { cause, hint: "is the program made for this machine?" },
    );
  }
  signal?.throwIfAborted();
  return parseList(new TextDecoder().decode(output.stdout));
}

/**
 * Reads what `ld.so --list` prints: `NAME => PATH (ADDRESS)`, `NAME => not found`, and lines without
 * an arrow for the loader itself and for what the kernel provides.
 *
 * @param text What it prints.
 * @returns The paths, and the names without one.
 */
export function parseList(text: string): Libraries {
  const found = new Set<string>();
  const missing = new Set<string>();
  for (const line of text.split("\n")) {
    const [, name = "", path] = /^\t(\S+)(?: => (.+?))?(?: \(0x[0-9a-f]+\))?$/.exec(line) ?? [];
    if (path === "not found") missing.add(name);
    else if (path !== undefined) found.add(path);
    else if (name.startsWith("/")) found.add(name);
  }
  return { found: [...found], missing: [...missing] };
}

/** Runs a piece of a program in a process of its own: under another umask, or as another user. */

import assert from "node:assert/strict";

/** What the process is like. */
export interface ChildOptions {
  /** Modules of llama's by the names that the script has for their exports. */
  readonly modules: Readonly<Record<string, string>>;
  /** Its umask. @default {this process's} */
  readonly umask?: number;
  /** Whether it gives up root's rights before the script runs. @default {false} */
  readonly unprivileged?: boolean;
}

/** Whether a child can give up root's rights; without them there is nothing to give up. */
export const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;

/** The user that an unprivileged child runs as: nobody. */
export const nobody = 65534;

/**
 * Runs a script.
 *
 * @param script Statements; what the script passes to `tell` is given back.
 * @param options Modules, umask and user.
 * @returns What it has told.
 */
export async function runChild(script: string, options: ChildOptions): Promise<unknown[]> {
  const { modules, umask, unprivileged = false } = options;
  const imports = Object.entries(modules).map(([name, path]) =>
    `import * as ${name} from ${JSON.stringify(new URL(path, import.meta.url).href)};`
  );
  const text = [
    ...imports,
    `const tell = (value: unknown) => console.log(JSON.stringify(value));`,
    ...umask === undefined ? [] : [`Deno.umask(${umask});`],
    // Modules are loaded by now, which lie where nobody else may read them. A compiler's cache too.
    ...unprivileged
      ? [
        `const user = Deno.dlopen("libc.so.6", {`,
        `  setgroups: { parameters: ["usize", "pointer"], result: "i32" },`,
        `  setresgid: { parameters: ["u32", "u32", "u32"], result: "i32" },`,
        `  setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },`,
        `}).symbols;`,
        `if (user.setgroups(0n, null) + user.setresgid(${nobody}, ${nobody}, ${nobody}) +`,
        `  user.setresuid(${nobody}, ${nobody}, ${nobody}) !== 0) throw new Error("still root");`,
      ]
      : [],
    script,
  ].join("\n");
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", `data:application/typescript,${encodeURIComponent(text)}`],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

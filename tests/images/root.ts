/** The file systems of images, made without a container tool: what the Dockerfile says, done here. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { root as checkout } from "../../scripts/shell.ts";
import { runtimeProgram } from "../e2e/llama.ts";
import { bytesOf, TemporaryDirectory, textOf } from "../helpers.ts";

/** Runs a program of this machine, which must succeed. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  assert(success, `${program} ${args.join(" ")}: ${textOf(stderr)}`);
  return textOf(stdout);
}

/** An instruction of a Dockerfile. */
interface Instruction {
  name: string;
  text: string;
}

/** The instructions of each stage of the Dockerfile. */
async function readStages(): Promise<Instruction[][]> {
  const text = (await Deno.readTextFile(join(checkout, "Dockerfile")))
    .replace(/^#.*\n/gm, "").replace(/\\\n/g, "");
  const stages: Instruction[][] = [];
  for (const [, name = "", rest = ""] of text.matchAll(/^([A-Z]+) +(.*)$/gm)) {
    if (name === "FROM") stages.push([]);
    stages.at(-1)?.push({ name, text: rest });
  }
  return stages;
}

/**
 * What is outside of the base image: what the Dockerfile's last stage copies from its first, whose
 * own commands make it, as Docker would run them, of this machine's libraries.
 */
async function copyFromBuild(root: string): Promise<void> {
  await using built = new TemporaryDirectory();
  const [build = [], image = []] = await readStages();
  const [compiled] = runtimeProgram;
  for (const { name, text } of build) {
    if (name !== "RUN") continue;
    const [, path] = /mv dist\/bootstrap (\S+)$/.exec(text) ?? [];
    if (path !== undefined) await Deno.copyFile(compiled ?? "", join(built.path, path));
    else await runInBuild(text, built.path);
  }
  const copies = image.filter(({ name }) => name === "COPY");
  assert(copies.length > 0);
  for (const { text } of copies) {
    const [, from = "", to = ""] = /^--from=build (\S+) (\S+)$/.exec(text) ?? [];
    assert(from && to, text);
    // A directory's contents are copied, with or without a slash at its end.
    const source = join(built.path, from);
    const { isDirectory } = await Deno.stat(source);
    await Deno.mkdir(dirname(join(root, to)), { recursive: true });
    await run("cp", "-a", "-T", isDirectory ? join(source, ".") : source, join(root, to));
  }
}

/** Runs a shell command with Debian's files and an empty root, which is kept. */
async function runInBuild(command: string, root: string): Promise<void> {
  const links = ["bin", "lib", "lib32", "lib64", "sbin"].filter((name) => {
    try {
      return Deno.lstatSync(`/${name}`).isSymlink;
    } catch {
      return false;
    }
  });
  await run(
    "bwrap",
    ...["--bind", root, "/", "--ro-bind", "/usr", "/usr"],
    ...links.flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    ...["sh", "-c", command],
  );
  for (const name of links) await Deno.remove(join(root, name));
  await Deno.remove(join(root, "usr"));
}

/**
 * A root like that of an image on the Alpine base: busybox, musl, what the Dockerfile adds, and a
 * command that is linked with musl, `/usr/bin/shout`.
 *
 * @param withEtc Whether there is an `/etc`.
 */
export async function makeAlpineRoot(withEtc: boolean): Promise<TemporaryDirectory> {
  const directory = new TemporaryDirectory();
  const root = directory.path;
  for (const folder of ["bin", "dev", "etc", "proc", "tmp", "usr/bin"]) {
    await Deno.mkdir(join(root, folder), { recursive: true });
  }
  // Debian's packages stand in for Alpine's.
  for (const path of (await run("dpkg", "-L", "busybox-static", "musl")).split("\n")) {
    if (!/^(\/usr)?\/(bin|lib)\/|^\/etc\//.test(path) || Deno.lstatSync(path).isDirectory) continue;
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await run("cp", "-a", path, join(root, path));
  }
  for (const name of ["cat", "ls", "sh", "tr"]) {
    await Deno.symlink("busybox", join(root, "bin", name));
  }
  const source = join(root, "tmp/shout.c");
  await Deno.writeFile(source, bytesOf(shoutSource));
  await run("musl-gcc", "-o", join(root, "usr/bin/shout"), source);
  await Deno.remove(source);
  await copyFromBuild(root);
  if (!withEtc) await Deno.remove(join(root, "etc"), { recursive: true });
  return directory;
}

/** Writes its arguments and its standard input in capitals. */
const shoutSource = `#include <ctype.h>
#include <stdio.h>
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    for (char *p = argv[i]; *p; p++) putchar(toupper(*p));
    putchar(' ');
  }
  for (int c; (c = getchar()) != EOF;) putchar(toupper(c));
  return 0;
}
`;

/**
 * The command that runs another in a file system of its own, as Lambda does: nothing may be written
 * but what is in /tmp.
 *
 * @param files bubblewrap's options that say what there is.
 */
export function sandbox(...files: string[]): string[] {
  return [
    "bwrap",
    ...files,
    ...["--proc", "/proc", "--dev", "/dev", "--chdir", "/", "--die-with-parent"],
  ];
}

/** bubblewrap's options for a root that may be read only, and a /tmp. */
export function imageFiles(root: string): string[] {
  return ["--ro-bind", root, "/", "--tmpfs", "/tmp"];
}

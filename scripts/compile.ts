/**
 * Compiles llama's programs into `dist/`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { compileCommand, runDeno } from "../lib/deploy/deno.ts";
import { messageOf } from "../lib/errors.ts";
import { removeIfThere, writeWhole } from "../lib/files/whole.ts";
import { bundleLlama, bundleRuntime } from "./bundle.ts";
import { root } from "./shell.ts";

/** The target machines, with Deno's names for them. */
const targets = {
  "linux-x86_64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "macos-x86_64": "x86_64-apple-darwin",
  "macos-arm64": "aarch64-apple-darwin",
} as const;

/** A target machine. */
export type Target = keyof typeof targets;

const allPrograms = ["llama", "bootstrap"] as const;

/** The programs: the command, and the runtime. */
export type Program = typeof allPrograms[number];

/** All targets. */
export const allTargets: readonly Target[] = Object.keys(targets).filter(isTarget);

/** The directory of the compiled programs. */
export const dist: string = join(root, "dist");

const usage = `usage: deno task compile [--target NAME]... [--all] [PROGRAM]...

Compiles llama, and for Linux also the runtime (bootstrap), to dist/PROGRAM.

  --target NAME   compile for another machine, to dist/PROGRAM-NAME; may be repeated:
                  ${allTargets.join(", ")}
  --all           compile for all of these
`;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: string[]): Promise<number> {
  const wanted = readWanted(args);
  if (wanted === undefined) {
    console.error(usage);
    return 2;
  }
  const store = Deno.env.get("DENO_TLS_CA_STORE");
  if (store !== undefined) {
    console.error(
      `compile: DENO_TLS_CA_STORE=${store} is built into the programs: where there are no such ` +
        "certificates, as in many images, they fail",
    );
  }
  const left: string[] = [];
  for (const { program, target } of wanted) {
    try {
      const path = await compile(program, target);
      console.error(await describe(path, program, target));
    } catch (error) {
      console.error(`compile: ${program}-${target}: ${messageOf(error)}`);
      left.push(`${program}-${target}`);
    }
  }
  if (left.length === 0) return 0;
  console.error(
    `compile: not compiled here; the release workflow compiles all: ${left.join(", ")}`,
  );
  return 1;
}

/** Parses the arguments; undefined if they are invalid. */
function readWanted(args: string[]): { program: Program; target: Target }[] | undefined {
  try {
    const { values: { target = [], all = false }, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { target: { type: "string", multiple: true }, all: { type: "boolean" } },
    });
    if (!target.every(isTarget) || !positionals.every(isProgram)) return undefined;
    const named = target.length > 0 ? target : [hostTarget()];
    const programs: readonly Program[] = positionals.length > 0 ? positionals : allPrograms;
    return (all ? allTargets : named).flatMap((target) =>
      programs
        // Lambda runs on Linux only.
        .filter((program) => program === "llama" || target.startsWith("linux-"))
        .map((program) => ({ program, target }))
    );
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function isProgram(name: string): name is Program {
  return allPrograms.some((program) => program === name);
}

function isTarget(name: string): name is Target {
  return Object.hasOwn(targets, name);
}

function hostTarget(): Target {
  const { os, arch } = Deno.build;
  const name = `${os === "darwin" ? "macos" : os}-${arch === "aarch64" ? "arm64" : arch}`;
  if (isTarget(name)) return name;
  throw new Error(`llama does not support ${os}`);
}

/**
 * Compiles a program. If it is for this machine, it is also available under its short name.
 *
 * @param program The program.
 * @param target The target machine.
 * @returns Its path, such as `dist/bootstrap-linux-arm64`.
 * @throws {Error} If it cannot be compiled, for example because Deno cannot download its base
 * executable for the target.
 */
export async function compile(program: Program, target: Target): Promise<string> {
  const main = await bundleOf(program, join(dist, "bundle", program));
  const path = join(dist, `${program}-${target}`);
  await writeWhole(path, async (temporary) => {
    await runDeno([
      ...compileCommand(program),
      ...["--target", targets[target], "--output", temporary],
      main,
    ], { directory: root });
    const made = await machineOf(temporary);
    if (made !== target) throw new Error(`DENORT_BIN is for ${made ?? "another machine"}`);
  });
  if (target === hostTarget()) {
    await writeWhole(join(dist, program), (link) => Deno.link(path, link));
  }
  return path;
}

/**
 * Compiles a program unless the existing one is up to date.
 *
 * @param program The program.
 * @param target The target machine.
 * @returns Its path.
 * @throws {Error} As {@linkcode compile}.
 */
export async function upToDate(program: Program, target: Target): Promise<string> {
  const path = join(dist, `${program}-${target}`);
  const directory = await Deno.makeTempDir({ prefix: "llama-bundle-" });
  try {
    await bundleOf(program, directory);
    return await holds(path, directory) ? path : await compile(program, target);
  } finally {
    await removeIfThere(directory);
  }
}

/**
 * Reports whether a program contains exactly the files of a bundle, which it stores uncompressed.
 */
async function holds(path: string, bundle: string): Promise<boolean> {
  try {
    const program = Buffer.from(await Deno.readFile(path));
    return [...Deno.readDirSync(bundle)].every(({ name }) =>
      program.lastIndexOf(Deno.readFileSync(join(bundle, name))) >= 0
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function bundleOf(program: Program, directory: string): Promise<string> {
  return program === "llama"
    ? await bundleLlama(directory, await readCommit())
    : await bundleRuntime(directory);
}

/** Returns the current commit; undefined outside a Git checkout. */
async function readCommit(): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
      cwd: root,
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Returns the target of a program from its header: ELF's e_machine or Mach-O's cputype. */
async function machineOf(path: string): Promise<Target | undefined> {
  using file = await Deno.open(path);
  const header = new DataView(new ArrayBuffer(20));
  await file.read(new Uint8Array(header.buffer));
  const kinds: Record<string, Target> = {
    "7f454c46 62": "linux-x86_64",
    "7f454c46 183": "linux-arm64",
    "cffaedfe 16777223": "macos-x86_64",
    "cffaedfe 16777228": "macos-arm64",
  };
  const magic = header.getUint32(0).toString(16);
  const machine = magic === "7f454c46" ? header.getUint16(18, true) : header.getUint32(4, true);
  return kinds[`${magic} ${machine}`];
}

async function describe(path: string, program: Program, target: Target): Promise<string> {
  const bundle = join(dist, "bundle", program);
  const sizes = [...Deno.readDirSync(bundle)].map(({ name }) =>
    Deno.statSync(join(bundle, name)).size
  );
  const parts = [
    `${((await Deno.stat(path)).size / 1e6).toFixed(1)} MB`,
    `bundle ${(sizes.reduce((sum, size) => sum + size, 0) / 1e3).toFixed(1)} kB`,
  ];
  if (target === hostTarget()) {
    parts.push(`starts in ${(await startMilliseconds(path)).toFixed(0)} ms`);
  }
  return `${relative(root, path)}: ${parts.join(", ")}`;
}

/** Measures a run with nothing to do: help for llama, no Lambda for the runtime. */
async function startMilliseconds(path: string): Promise<number> {
  const times = [];
  for (let round = 0; round < 10; round++) {
    const start = performance.now();
    await new Deno.Command(path, { args: ["help"], env: { AWS_LAMBDA_RUNTIME_API: "" } }).output();
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}

/**
 * Runs a program in an assembled image, with nothing of this machine in it: what is missing is found
 * before anything is sent.
 *
 * @module
 */

import { isFile } from "../files/is_file.ts";
import { dirname, join } from "node:path";
import { LlamaError, reasonOf } from "../errors.ts";
import { makeRunDirectory, removeStaleDirectories, removeTree } from "../files/run_directory.ts";
import { type ImagePlan, runtimePath } from "./plan.ts";
import type { ImageEntry } from "./tree.ts";

/** How a check went. */
export interface CheckResult {
  /** The command's exit status. */
  readonly status: number;
  /** What it wrote to standard output and standard error, the end of it. */
  readonly output: string;
}

/** Options for {@linkcode checkImage}. */
export interface CheckOptions {
  /** A directory for the assembled image. */
  readonly temporary: string;
  /** Environment variables of the command. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/** What came of a check. */
export type CheckVerdict =
  /** The command ended with status 0. */
  | { readonly kind: "passed" }
  /** It was not run, or what it did says nothing. */
  | { readonly kind: "unknown"; readonly reason: string };

/** The time limit of the default check: printing a version takes less. */
const limitMilliseconds = 20_000;

/** Larger images are only checked when a check was asked for: all files are copied for it. */
const maxCopiedBytes = 1_000_000_000;

/**
 * Checks that the programs of an image find what they need.
 *
 * @param plan The image.
 * @param command An absolute path in the image, or a name on its `PATH`, with arguments.
 * @default {the first program with `--version`}
 * @param options Where, and with which environment.
 * @returns What came of it.
 * @throws {LlamaError} `usage`, naming what is missing, or if a command that was asked for fails.
 */
export async function checkPlan(
  { entries, programs: [program] }: Pick<ImagePlan, "entries" | "programs">,
  command: readonly string[] | undefined,
  options: CheckOptions,
): Promise<CheckVerdict> {
  // The command does not need it, and copying it takes time.
  const own = entries.filter(({ path }) => path !== runtimePath);
  const bytes = own.reduce((sum, { size }) => sum + size, 0);
  if (command === undefined && bytes > maxCopiedBytes) {
    return { kind: "unknown", reason: "the image is large; -check COMMAND checks it all the same" };
  }
  const run = command ?? [program?.path ?? "", "--version"];
  const words = run.join(" ");
  const limit = AbortSignal.timeout(limitMilliseconds);
  const { signal = limit } = options;
  const both = command === undefined ? AbortSignal.any([signal, limit]) : options.signal;
  let result: CheckResult | undefined;
  try {
    result = await checkImage(own, run, { ...options, signal: both });
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!limit.aborted) throw error;
    const seconds = limitMilliseconds / 1000;
    return { kind: "unknown", reason: `${words} did not end within ${seconds} seconds` };
  }
  if (result === undefined) {
    return { kind: "unknown", reason: "this machine does not let llama create namespaces" };
  }
  const { status, output } = result;
  if (status === 0) return { kind: "passed" };
  const missing = missingIn(output, new Set(own.map(({ path }) => path)));
  const [file] = missing.files;
  if (missing.libraries.length === 0 && file === undefined && command === undefined) {
    const reason = `${words} ended with status ${status} in it`;
    if (status < 126) return { kind: "unknown", reason };
  }
  const what = [...missing.libraries, ...missing.files];
  const lines = output.trim().split("\n");
  throw new LlamaError(
    "usage",
    what.length > 0
      ? `the image lacks ${what.join(", ")}: ${words} ended with status ${status}`
      : `${words} ended with status ${status} in the image: ${lines.at(-1)}`,
    {
      hint: file === undefined
        ? "-include PATH adds what is missing, -check COMMAND runs something else first"
        : `add -include ${file}`,
    },
  );
}

/** The usual words of programs for files that they miss; others name paths for other reasons. */
const complaint =
  /no such file|not found|(can't|cannot|could not|couldn't|failed to|unable to) (open|find|locate|load|read|access|run|stat)/i;

/** Returns the missing libraries and files that a failed program names, if the files exist here. */
function missingIn(
  output: string,
  paths: ReadonlySet<string>,
): { libraries: string[]; files: string[] } {
  const libraries = output.matchAll(/error while loading shared libraries: ([^\s:]+)/g);
  const complaints = output.split("\n").filter((line) => complaint.test(line)).join("\n");
  const files = complaints.matchAll(/(?<![\w./-])(?:\/[\w.+@%~-]+)+/g);
  return {
    libraries: [...new Set(Array.from(libraries, ([, name = ""]) => name))],
    files: [...new Set(Array.from(files, ([path]) => path))]
      .filter((path) => !paths.has(path) && !path.startsWith("/proc/") && isAnything(path)),
  };
}

function isAnything(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    // Not on this machine either.
    return false;
  }
}

/** The user that it runs as where that can be chosen: nobody. */
const user = "65534:65534";

/** As much of the output as is shown. */
const maxOutput = 4096;

/**
 * Makes the root read-only except for /tmp, and mounts /proc and the few devices that Lambda has.
 * `$1` is the root; the remaining arguments are variables, and the chroot command to execute.
 */
const script = `
set -e
root=$1
shift
mount --rbind "$root" "$root"
for device in null zero full random urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
cd "$root/tmp"
exec env -i "$@"
`;

/**
 * Assembles an image below a directory, and runs a command in it without privileges.
 *
 * @param entries The image's entries.
 * @param command The command: an absolute path in the image, and arguments.
 * @param options Where, and with which environment.
 * @returns How it ended; undefined where this machine allows no namespaces to run it in.
 * @throws {LlamaError} `config` if a file cannot be copied.
 */
export async function checkImage(
  entries: readonly ImageEntry[],
  command: readonly string[],
  { temporary, environment, signal }: CheckOptions,
): Promise<CheckResult | undefined> {
  const isRoot = Deno.uid() === 0;
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--net"]
    .concat(isRoot ? [] : ["--user", "--map-root-user"]);
  if (!await canUnshare(namespaces, signal)) return undefined;
  await removeStaleDirectories(temporary);
  const root = makeRunDirectory(temporary);
  try {
    await assemble(entries, root, signal);
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const change = [chrootProgram(), ...isRoot ? [`--userspec=${user}`] : [], root];
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: [...namespaces, "sh", "-c", script, "sh", root, ...variables, ...change, ...command],
      clearEnv: true,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdin: "null",
      ...(signal === undefined ? {} : { signal }),
    }).output();
    signal?.throwIfAborted();
    const decoder = new TextDecoder();
    const words = decoder.decode(stdout) + decoder.decode(stderr);
    // Or chroot's own path would be taken for a file that the image lacks.
    const output = words.replaceAll(`${chrootProgram()}: `, "");
    return { status: code, output: output.slice(-maxOutput) };
  } finally {
    await removeTree(root);
  }
}

/** An absolute path, since the variables are the command's by then. */
function chrootProgram(): string {
  const places = ["/usr/sbin/chroot", "/usr/bin/chroot", "/sbin/chroot"];
  return places.find((path) => isFile(path)) ?? "chroot";
}

async function canUnshare(
  namespaces: readonly string[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("unshare", {
      args: [...namespaces, "mount", "--bind", "/dev/null", "/dev/null"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      ...(signal === undefined ? {} : { signal }),
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Puts an image's entries below a directory.
 *
 * @param entries The entries.
 * @param root The directory, which is empty.
 * @param signal Cancels the operation.
 * @throws {LlamaError} `config` if a file cannot be copied.
 */
export async function assemble(
  entries: readonly ImageEntry[],
  root: string,
  signal?: AbortSignal,
): Promise<void> {
  // The directory was made for this user alone, and others are to look into it.
  await Deno.chmod(root, 0o755);
  const sorted = entries.toSorted((a, b) => a.path < b.path ? -1 : 1);
  for (const entry of sorted) {
    signal?.throwIfAborted();
    const path = join(root, entry.path);
    try {
      await Deno.mkdir(dirname(path), { recursive: true });
      if (entry.kind === "directory") await makeDirectory(path, entry);
      else if (entry.kind === "link") await Deno.symlink(entry.target ?? "", path);
      else await copy(path, entry);
    } catch (cause) {
      throw new LlamaError(
        "config",
        `cannot assemble ${entry.path} in ${root}: ${reasonOf(cause)}`,
        {
          cause,
          hint: "set TMPDIR to a directory with room for the image",
        },
      );
    }
  }
  // What is put into a directory changes its time, so these come last.
  for (const { path, kind, mtimeSeconds } of sorted) {
    if (kind === "directory") await Deno.utime(join(root, path), mtimeSeconds, mtimeSeconds);
  }
}

async function makeDirectory(path: string, { mode }: ImageEntry): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  await Deno.chmod(path, mode);
}

async function copy(
  path: string,
  { source, mode, mtimeSeconds, patch }: ImageEntry,
): Promise<void> {
  if (typeof source === "string") await Deno.copyFile(source, path);
  else await Deno.writeFile(path, source ?? new Uint8Array());
  if (patch !== undefined) {
    // The copy may be read-only as the original is.
    await Deno.chmod(path, 0o600);
    await replaceBytes(path, patch);
  }
  await Deno.chmod(path, mode);
  await Deno.utime(path, mtimeSeconds, mtimeSeconds);
}

async function replaceBytes(
  path: string,
  { at, bytes }: NonNullable<ImageEntry["patch"]>,
): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(at, Deno.SeekMode.Start);
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
}

/**
 * Runs a program in an assembled image, with nothing of this machine in it: what is missing is found
 * before anything is sent.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { LlamaError, reasonOf } from "../errors.ts";
import { removeTree } from "../run_directory.ts";
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

/** The user that it runs as where that can be chosen: nobody. */
const user = "65534:65534";

/** As much of the output as is shown. */
const maxOutput = 4096;

/**
 * The root becomes read-only but for /tmp, with /proc and the few devices that Lambda has. `$1` is the
 * root, and the rest is what changes into it.
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
 * @throws {LlamaError} `input` if a file cannot be copied, `config` if there is no room.
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
  const root = Deno.makeTempDirSync({ dir: temporary, prefix: "llama-image-" });
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
    const output = decoder.decode(stdout) + decoder.decode(stderr);
    return { status: code, output: output.slice(-maxOutput) };
  } finally {
    await removeTree(root);
  }
}

/** An absolute path, since the variables are the command's by then. */
function chrootProgram(): string {
  const places = ["/usr/sbin/chroot", "/usr/bin/chroot", "/sbin/chroot"];
  return places.find((path) => isThere(path)) ?? "chroot";
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    // Then it is elsewhere.
    return false;
  }
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
 * @param signal Ends it early.
 * @throws {LlamaError} `config` if a file cannot be written, `input` if one cannot be read.
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

async function copy(path: string, { source, mode, mtimeSeconds }: ImageEntry): Promise<void> {
  if (typeof source === "string") await Deno.copyFile(source, path);
  else await Deno.writeFile(path, source ?? new Uint8Array());
  await Deno.chmod(path, mode);
  await Deno.utime(path, mtimeSeconds, mtimeSeconds);
}

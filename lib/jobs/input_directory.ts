/**
 * Finds the files in directories of `-f`.
 *
 * @module
 */

import { join, posix, sep } from "node:path";
import { LlamaError } from "../errors.ts";
import { realPathOf, staysInside } from "../files/links.ts";
import { listDirectory, notUtf8 } from "../system/list.ts";
import { printableLine } from "../text/printable.ts";
import { cannotSend, notAFile } from "./inputs.ts";
import type { InputFile, SentLink } from "./job.ts";

/** What becomes of links in a directory of `-f` that lead out of it. */
export type OutwardLinks = "skip" | "follow" | "refuse";

/**
 * Expands the mappings of `-f`: a directory becomes all regular files below it, including those that
 * links lead to, and all empty directories.
 *
 * @param mappings Files and directories.
 * @param outward Whether links out of a directory are left out, followed, or an error. Links to
 * nothing are left out with `skip`, and an error otherwise.
 * @returns One entry per file, including files that do not exist.
 * @throws {LlamaError} `input`, naming the files of a directory that cannot be sent.
 */
export async function expandInputs(
  mappings: readonly { local: string; remote: string }[],
  outward: OutwardLinks = "refuse",
): Promise<InputFile[]> {
  const inputs: InputFile[] = [];
  for (const { local, remote } of mappings) {
    // `findInputs` reports missing files, all at once.
    const directory = await isDirectory(local);
    // Cleaned as in templates, so that a file that both name is sent once.
    const prefix = posix.normalize(remote).replace(/\/+$/, "");
    if (!directory) {
      inputs.push({ remote: prefix, source: local });
      continue;
    }
    const top = await Deno.realPath(local);
    const unsendable: string[] = [];
    const remoteOf = (path: string) => posix.join(prefix, path);
    for await (
      const { path, link, isDirectory } of walk({ root: local, top, outward, unsendable })
    ) {
      // The job's own directory exists.
      if (isDirectory && remoteOf(path) === ".") continue;
      inputs.push({
        remote: remoteOf(path),
        source: join(local, path),
        ...(link === undefined ? {} : { link: { ...link, remote: remoteOf(link.remote) } }),
        ...(isDirectory ? { isDirectory } : {}),
      });
    }
    if (unsendable.length > 0) {
      throw new LlamaError("input", `cannot send ${notUtf8(unsendable)}`, {
        hint: "rename these files: names of files must be UTF-8",
      });
    }
  }
  return inputs;
}

/** A directory to walk. */
interface Walk {
  /** The directory, as given by the user. */
  readonly root: string;
  /** Its real path. */
  readonly top: string;
  /** What becomes of links that lead out of it. */
  readonly outward: OutwardLinks;
  /** Receives the files whose names are not UTF-8. */
  readonly unsendable: string[];
}

/** A place in a walk. */
interface Step {
  /** The relative path of the directory; empty for the first. */
  readonly below: string;
  /** The real paths of the directory and of those that contain it. */
  readonly trail: readonly string[];
  /** The link in the directory by which it was reached, if it was one. */
  readonly link: SentLink | undefined;
}

/** A file or an empty directory, by its relative path. */
interface Walked {
  readonly path: string;
  readonly link: SentLink | undefined;
  readonly isDirectory: boolean;
}

/** Yields the regular files and the empty directories below a directory, sorted by name. */
async function* walk(
  context: Walk,
  step: Step = { below: "", trail: [context.top], link: undefined },
): AsyncGenerator<Walked> {
  const { root, top, unsendable } = context;
  const { below, trail } = step;
  const entries = reading(join(root, below), listDirectory);
  if (entries.length === 0) yield { path: below, link: step.link, isDirectory: true };
  for (const { name, shown, kind } of entries) {
    if (name === undefined) {
      unsendable.push(`${printableLine(join(root, below))}/${shown}`);
      continue;
    }
    const path = below === "" ? name : `${below}/${name}`;
    const full = join(root, path);
    const followed = kind === "link" ? await followLink(full, path, context) : undefined;
    if (kind === "link" && followed === undefined) continue;
    // What is found by a link belongs to the outermost one.
    const link = step.link ?? followed?.link;
    const real = followed?.real ?? join(trail.at(-1) ?? top, name);
    const { isFile, isDirectory } = await Deno.stat(full);
    if (isFile) yield { path, link, isDirectory: false };
    else if (!isDirectory) throw notAFile(full, false);
    else if (trail.includes(real)) {
      throw new LlamaError(
        "input",
        `cannot send ${full}: the link points to a directory that contains it`,
        { hint: "remove the link, or send the other files one by one with -f" },
      );
    } else yield* walk(context, { below: path, trail: [...trail, real], link });
  }
}

function reading<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path);
  } catch (cause) {
    throw cannotSend(path, cause);
  }
}

/**
 * Follows a link.
 *
 * @param full The link, as the user would name it.
 * @param path Its path in the directory.
 * @returns Its real path and, if it stays inside the directory, the link to send; undefined if it is
 * left out.
 */
async function followLink(
  full: string,
  path: string,
  { top, outward }: Walk,
): Promise<{ real: string; link: SentLink | undefined } | undefined> {
  let real;
  try {
    real = await Deno.realPath(full);
  } catch (cause) {
    if (outward === "skip") return undefined;
    throw new LlamaError("input", `cannot send ${full}: the link is broken`, {
      cause,
      hint: "remove the link, create its target, or omit such links with -f-links skip",
    });
  }
  if (real === top || real.startsWith(join(top, sep))) {
    const target = await Deno.readLink(full);
    const parent = posix.dirname(path);
    // In a directory that another link leads to, the target may mean something else.
    const isKept = staysInside(path, target) && realPathOf(join(top, parent, target)) === real;
    const relative = posix.relative(parent, posix.relative(top, real)) || ".";
    return { real, link: { remote: path, target: isKept ? target : relative } };
  }
  if (outward === "skip") return undefined;
  if (outward === "follow") return { real, link: undefined };
  throw new LlamaError("input", `cannot send ${full}: the link points outside the directory`, {
    hint: "send its target with another -f, or write -f-links follow or skip",
  });
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

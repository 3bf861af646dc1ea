/**
 * Writes the blobs of a request to files and standard input.
 *
 * @module
 */

import { blobConcurrency, decodeBlob, decodeBlobToFile, isHeld } from "../store/blob.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import type { ContentKind } from "../features.ts";
import { type Blob, type File, permissionBits, type Request } from "../protocol.ts";
import type { S3Files } from "../store/s3_files.ts";
import type { ObjectStore } from "../store/store.ts";
import { JobError } from "./job_error.ts";
import { checkPath, planDirectories } from "./paths.ts";
import type { Input } from "./run_command.ts";
import type { Workspace } from "./workspace.ts";

/** Options for {@linkcode writeInputs}. */
export interface WriteInputsOptions {
  /** The directories of this invocation. */
  workspace: Workspace;
  /** Returns the object store; called only if the request refers to an object. */
  store: () => ObjectStore;
  /** Opens S3; called only if the request names objects there. */
  s3: () => Promise<S3Files>;
  /** The kinds of content that the runtime knows. */
  kinds: readonly ContentKind[];
  /** Aborts the work. */
  signal: AbortSignal;
}

/** A blob, and the function that writes it. */
interface Job {
  field: string;
  blob: Blob;
  write: () => Promise<void>;
}

/**
 * Fills the job's directory.
 *
 * @returns The command's standard input; undefined if empty.
 * @throws {JobError} `Llama.BadRequest` for an invalid path or blob, before anything is written;
 * `Llama.MissingObject` with all missing objects.
 * @throws {LlamaError} As the store.
 */
export async function writeInputs(
  request: Request,
  options: WriteInputsOptions,
): Promise<Input | undefined> {
  const { workspace, store, kinds, signal } = options;
  const files = Object.entries(request.files).map(([remote, file]) => ({
    file,
    field: `files.${remote}`,
    path: checkPath("files", remote),
  }));
  const outputs = request.outputs.map((output) =>
    checkPath("outputs", output, { directory: true })
  );
  const uploads = Object.keys(request.uploads ?? {}).map((path) => checkPath("uploads", path));
  const empty = files.filter(({ file }) => file.d).map(({ path }) => `${path}/`);
  const entries = files.filter(({ file }) => !file.d);
  const directories = planDirectories(entries.map(({ path }) => path), [
    ...empty,
    ...outputs,
    ...uploads,
  ]);
  const links = entries.some(({ file }) => file.l !== undefined)
    ? (await import("./input_links.ts")).linksOf(entries)
    : [];
  const top = workspace.job();
  const objects = new Map(
    files.filter(({ file }) => file.u !== undefined).map(({ field, file }) => [field, file]),
  );
  if (objects.size + uploads.length > 0) {
    const { checkObjects, checkUploads } = await import("./s3_objects.ts");
    checkUploads(request.uploads ?? {});
    checkObjects(objects, top);
  }
  for (const directory of directories) {
    naming(directory, () => Deno.mkdirSync(`${top}/${directory}`, { recursive: true }));
  }
  const created = outputs.filter((output) =>
    output.endsWith("/") && output !== "./" && !empty.includes(output)
  );
  if (created.length > 0) {
    const { markUntouched } = await import("./output_directory.ts");
    for (const output of created) markUntouched(`${top}/${output}`);
  }
  const jobs: Job[] = entries.filter(({ file }) => file.l === undefined).map((
    { file, field, path },
  ) => ({
    field,
    blob: file,
    write: () => writeInput(path, `${top}/${path}`, file, options),
  }));
  let stdin: Input | undefined;
  const blob = request.stdin;
  if (blob !== undefined && Object.keys(blob).length > 0) {
    jobs.push({
      field: "stdin",
      blob,
      write: async () => {
        // An object may have any size, so it goes to a file.
        if (blob.r === undefined && isHeld(blob, kinds)) {
          stdin = await decodeBlob(blob, store, { signal, kinds });
        } else {
          const path = workspace.dataFile("stdin");
          await decodeBlobToFile(blob, path, store, { signal, kinds });
          stdin = { path };
        }
      },
    });
  }
  await writeAllOf(jobs, store, signal);
  // Last, so that nothing is written through them.
  for (const { path, target } of links) {
    naming(path, () => Deno.symlinkSync(target, `${top}/${path}`));
  }
  return stdin;
}

async function writeAllOf(
  jobs: readonly Job[],
  store: () => ObjectStore,
  signal: AbortSignal,
): Promise<void> {
  const missing = new Set<string>();
  await mapConcurrently(jobs, blobConcurrency, async ({ field, blob, write }) => {
    try {
      if (missing.size === 0 || blob.r === undefined) {
        await write();
      } else if (!missing.has(blob.r) && !(await hasObject(store(), blob, blob.r, signal))) {
        // The job cannot run, but the client needs the complete list of missing objects.
        missing.add(blob.r);
      }
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      if (error.code === "missing-object" && blob.r !== undefined) {
        missing.add(blob.r);
      } else if (error.code === "protocol") {
        throw new JobError("Llama.BadRequest", `${field}: ${error.message}`, { cause: error });
      } else {
        throw error;
      }
    }
  }, signal);
  if (missing.size === 0) return;
  const objects = [...missing].toSorted();
  const what = objects.length === 1 ? `object ${objects[0]} is` : `${objects.length} objects are`;
  throw new JobError("Llama.MissingObject", `${what} not in ${store().url}`, { objects });
}

async function hasObject(
  store: ObjectStore,
  { c }: Blob,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  return await (c !== undefined && store.compressed || store).has(id, signal);
}

async function writeInput(
  name: string,
  path: string,
  file: File,
  { store, s3, kinds, signal }: WriteInputsOptions,
): Promise<void> {
  if (file.u !== undefined) {
    const { readObject } = await import("./s3_objects.ts");
    return await readObject(await s3(), file, path, signal);
  }
  // Deno applies the requested mode regardless of the umask.
  const mode = permissionBits(file);
  if (file.r === undefined && isHeld(file, kinds)) {
    const bytes = await decodeBlob(file, store, { signal, kinds });
    naming(name, () => Deno.writeFileSync(path, bytes, { createNew: true, mode }));
  } else {
    await decodeBlobToFile(file, path, store, { signal, kinds });
    Deno.chmodSync(path, mode);
  }
}

/** Names the path in errors for paths that the system rejects: too long, or with an invalid character. */
function naming(name: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ENAMETOOLONG" && code !== "EINVAL" && code !== "EILSEQ") throw cause;
    throw new JobError("Llama.BadRequest", `${JSON.stringify(name)}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

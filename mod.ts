/**
 * Run UNIX commands in AWS Lambda, many at once, as if they ran here.
 *
 * @example One command
 * ```ts no-eval
 * import { Llama } from "./mod.ts";
 *
 * await using llama = new Llama({ store: "s3://my-bucket/obj/" });
 * const { status, stdout } = await llama.invoke("hello", ["world"]);
 * ```
 *
 * @example One command a line, 100 at once
 * ```ts no-eval
 * import { Llama } from "./mod.ts";
 *
 * await using llama = new Llama();
 * const args = ["{{.I .Line}}", "-out", '{{.O (printf "optimized/%s" .Line)}}'];
 * for await (const { line, result, error } of llama.map("optipng", args, ["a.png", "b.png"])) {
 *   console.log(line, error?.message ?? result?.status);
 * }
 * ```
 *
 * @module
 */

export type { BlobSource, FileSource } from "./lib/blob.ts";
export type { Environment } from "./lib/environment.ts";
export {
  type ErrorCode,
  FunctionError,
  type FunctionErrorDetails,
  LlamaError,
  type LlamaErrorOptions,
} from "./lib/errors.ts";
export { expandOnce, type Expansion, jobOf, LineTemplates } from "./lib/jobs/expand.ts";
export {
  type InputFile,
  type Job,
  type JobResult,
  type OutputFile,
  succeeded,
} from "./lib/jobs/job.ts";
export {
  type FileMapping,
  type InvokeOptions,
  type JobOutcome,
  Llama,
  type LlamaOptions,
  type LocalOptions,
  type MapOptions,
} from "./lib/llama.ts";
export type { Times } from "./lib/protocol.ts";
export { DirectoryStore } from "./lib/store/directory.ts";
export { MemoryStore } from "./lib/store/memory.ts";
export { openStore, type OpenStoreOptions } from "./lib/store/open.ts";
export type { ObjectStore } from "./lib/store/store.ts";
export {
  type ExecuteOptions,
  Template,
  TemplateError,
  type TemplateErrorDetails,
  type TemplatePhase,
  TemplateSet,
} from "./lib/template/mod.ts";
export { version } from "./lib/version.ts";

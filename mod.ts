/**
 * Runs UNIX commands in AWS Lambda, many at once, as if they ran on this machine.
 *
 * The examples run on this machine. Without `local` they run in AWS, with the credentials, the
 * region and the object store from the environment.
 *
 * @example One command
 * ```ts
 * import { Llama } from "./mod.ts";
 *
 * const local = { commands: [{ name: "upper", command: "tr a-z A-Z" }] };
 * await using llama = new Llama({ local });
 * const stdin = new TextEncoder().encode("text");
 * const { status, stdout } = await llama.invoke("upper", [], { stdin }); // 0, "TEXT"
 * ```
 *
 * @example One command per line, 100 at once
 * ```ts
 * import { Llama } from "./mod.ts";
 *
 * await using llama = new Llama({ local: { commands: [{ name: "count", command: "wc -c" }] } });
 * for await (const { line, result, error } of llama.map("count", ["{{.I .Line}}"], ["mod.ts"])) {
 *   console.log(line, error?.message ?? new TextDecoder().decode(result?.stdout));
 * }
 * ```
 *
 * @module
 */

export type { BlobSource, FileSource } from "./lib/store/blob.ts";
export type { ListedObject, S3Object } from "./lib/store/s3_files.ts";
export type { Environment } from "./lib/environment.ts";
export {
  type ErrorCode,
  FunctionError,
  type FunctionErrorDetails,
  LlamaError,
  type LlamaErrorOptions,
} from "./lib/errors.ts";
export {
  expandOnce,
  type Expansion,
  jobOf,
  LineTemplates,
  type MarkedOutput,
} from "./lib/jobs/expand.ts";
export {
  type CacheUse,
  type InputFile,
  type Job,
  type JobResult,
  type OutputFile,
  type SentLink,
  succeeded,
} from "./lib/jobs/job.ts";
export { type JobInput, type Line, Rows } from "./lib/jobs/job_input.ts";
export type { OutwardLinks } from "./lib/jobs/input_directory.ts";
export { newCounts, type RunCounts } from "./lib/jobs/counts.ts";
export type { JobLogTarget } from "./lib/jobs/log/job_log_line.ts";
export type { JobOutcome, MapJobsOptions } from "./lib/jobs/map_options.ts";
export type { OutputSink } from "./lib/aws/api/live_output.ts";
export type { LiveSinks } from "./lib/jobs/live_job.ts";
export type { CacheMode } from "./lib/memo/options.ts";
export type { Transfer } from "./lib/jobs/transfer.ts";
export type { Halt, RetryOn } from "./lib/jobs/policy.ts";
export type { Straggler } from "./lib/jobs/stragglers.ts";
export type { JobCost, JobFailure, JobRecord, JobTimes } from "./lib/jobs/record.ts";
export { type JobRecordSchema, jobRecordSchema } from "./lib/jobs/record_schema.ts";
export {
  type Architecture,
  defaultPrices,
  pricesOf,
  type PriceTable,
  readPrices,
  type RegionPrices,
} from "./lib/cost/prices.ts";
export type {
  FileMapping,
  InvokeOptions,
  LlamaOptions,
  MapOptions,
  RequestTotals,
  RunOptions,
} from "./lib/client/options.ts";
export { Llama } from "./lib/llama.ts";
export type { LocalOptions } from "./lib/local/start.ts";
export type { ExecutionEnvironment, Times } from "./lib/protocol.ts";
export {
  packProgram,
  type PackProgramOptions,
  ProgramImage,
  type PushImageOptions,
} from "./lib/pack_program.ts";
export type { CheckVerdict } from "./lib/image/check.ts";
export type { PushedImage } from "./lib/image/image.ts";
export type { PackedProgram } from "./lib/image/plan.ts";
export type { LayerEntry } from "./lib/image/entry.ts";
export type { InstalledPackage } from "./lib/image/packages/package_manager.ts";
export type { ImagePlan, ProgramSelection } from "./lib/image/plan.ts";
export type { RegistryCredentials } from "./lib/image/registry.ts";
export type { ImageEntry, LayerName, LeftOut } from "./lib/image/tree.ts";
export { DirectoryStore } from "./lib/store/directory.ts";
export { MemoryStore } from "./lib/store/memory.ts";
export { openStore, type OpenStoreOptions } from "./lib/store/open.ts";
export type {
  CompressedObjects,
  KeptResults,
  ObjectStore,
  StoredObject,
} from "./lib/store/store.ts";
export type { CompressMode } from "./lib/limits.ts";
export type { Sizes, StoredForm } from "./lib/features.ts";
export {
  type ExecuteOptions,
  type GoParameter,
  type GoParameterType,
  Template,
  TemplateError,
  type TemplateErrorDetails,
  type TemplateFunction,
  type TemplateFunctions,
  type TemplatePhase,
  TemplateSet,
} from "./lib/template/mod.ts";
export { OpenSpan, type Span, type SpanName, Spans } from "./lib/spans.ts";
export { type TracedJob, traceText } from "./lib/report/trace.ts";
export { version } from "./lib/version.ts";

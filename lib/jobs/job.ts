/**
 * A job: one command, its files, and its result.
 *
 * @module
 */

import type { BlobSource } from "../store/blob.ts";
import type { LlamaError } from "../errors.ts";
import type { Spans } from "../spans.ts";
import type { ExecutionEnvironment, Times } from "../protocol.ts";

/** A file to send along. */
export interface InputFile {
  /** Its path in the job's directory. */
  readonly remote: string;
  /** A path on this machine, the URL of an object in S3, or the bytes themselves. */
  readonly source: string | Uint8Array;
  /** The link by which it was found in a directory: sent in its place where links are accepted. */
  readonly link?: SentLink;
  /** Whether it is an empty directory: sent only where it is accepted. @default {false} */
  readonly isDirectory?: boolean;
}

/** A symbolic link in the job's directory. */
export interface SentLink {
  /** Its path in the job's directory. */
  readonly remote: string;
  /** Its target, relative to its own directory. */
  readonly target: string;
}

/** A file or directory to bring back. */
export interface OutputFile {
  /** Its path in the job's directory; one that ends in `/` is a directory. */
  readonly remote: string;
  /** Its path on this machine, a directory if `remote` is one; or the URL of an object in S3. */
  readonly local: string;
  /** Whether to write it only if the command succeeded, since it replaces an input. @default {false} */
  readonly onlyOnSuccess?: boolean;
}

/** A command for a function to run, with its files. */
export interface Job {
  /** A function's name, `NAME:ALIAS` or ARN. */
  readonly functionName: string;
  /** The arguments that follow the function's own command. */
  readonly args: readonly string[];
  /** The command's standard input; empty if absent. */
  readonly stdin?: BlobSource | undefined;
  /** The files to send along. */
  readonly inputs: readonly InputFile[];
  /** The files to bring back. */
  readonly outputs: readonly OutputFile[];
}

/** The result of a job whose command ran. Dispose of it when done: it may hold temporary files. */
export interface JobResult extends Disposable {
  /** The command's exit status; 128 + N if signal N ended it. */
  readonly status: number;
  /** What the command wrote to standard output; empty if it is in {@linkcode stdoutFile}. */
  readonly stdout: Uint8Array;
  /**
   * A file with the standard output, if it exceeds 4 MiB. It is removed when the result is disposed
   * of or the `Llama` is closed.
   */
  readonly stdoutFile?: string | undefined;
  /** What the command wrote to standard error; empty if it is in {@linkcode stderrFile}. */
  readonly stderr: Uint8Array;
  /** Like {@linkcode stdoutFile}, for standard error. */
  readonly stderrFile?: string | undefined;
  /** The files that were written on this machine, and the objects that were written to S3. */
  readonly written: readonly string[];
  /** The errors of outputs that could not be fetched, including standard output and error. */
  readonly outputErrors: readonly LlamaError[];
  /** The last 4 KiB of the function's log, if requested. */
  readonly logTail: string | undefined;
  /** The times in the runtime, if reported, in nanoseconds. */
  readonly times: Times | undefined;
  /** From the start of the job to its last output on this machine, in milliseconds. */
  readonly elapsedMilliseconds: number;
  /** The command's peak memory in resident bytes, if reported. */
  readonly memory: number | undefined;
  /** The execution environment that the command ran in, if reported. */
  readonly environment: ExecutionEnvironment | undefined;
  /** Lambda's request id. */
  readonly requestId: string | undefined;
  /** The runtime's version, if reported. */
  readonly runtime: string | undefined;
  /** How it used kept results, if at all. */
  readonly cache?: CacheUse | undefined;
}

/** How a job used the kept results of earlier jobs. */
export interface CacheUse {
  /**
   * `hit`: a kept result was used, and nothing ran; `miss`: there was none to use; `refreshed`: the
   * job ran because that was asked for; `same` and `impure`: it ran, and its result was the same as
   * the kept one, or was not.
   */
  state: "hit" | "miss" | "refreshed" | "same" | "impure";
  /** Why there was no result to use, or what differs. */
  why?: string | undefined;
  /** Of a hit: the time that was not billed, in milliseconds. */
  savedMilliseconds?: number | undefined;
  /** Of a hit: what was not spent, in US dollars; absent if the function's memory is unknown. */
  savedDollars?: number | undefined;
}

/**
 * Reports whether a job succeeded.
 *
 * @param result The job's result.
 * @returns True if the command exited with 0 and every output was written.
 */
export function succeeded(result: JobResult): boolean {
  return result.status === 0 && result.outputErrors.length === 0;
}

/** Hashes that identify a job's contents: 48-bit integers. */
export interface Identity {
  /** The job's own arguments, lines and files. */
  readonly own: number;
  /** The files that all jobs of the run share. */
  readonly shared: number;
}

/** A job of a run, planned from a line. */
export interface PlannedJob {
  /** The job's number, from 0. */
  readonly index: number;
  /** The function that runs it. */
  readonly functionName: string;
  /** The line; several are joined by line feeds. */
  readonly line: string;
  /** Function and arguments, quoted for a shell; the templates if one fails. */
  readonly command: string;
  /** The job's identity, for a job log. */
  readonly identity?: Identity | undefined;
  /** The job to run; absent if a template fails on this line. */
  readonly job: Job | undefined;
  /** Why it is not sent; absent if it is. */
  readonly error?: LlamaError | undefined;
  /** Its spans, if measured. */
  readonly spans?: Spans | undefined;
}

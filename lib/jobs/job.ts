/**
 * A job: one command, its files, and what came of it.
 *
 * @module
 */

import type { BlobSource } from "../store/blob.ts";
import type { LlamaError } from "../errors.ts";
import type { Spans } from "../spans.ts";
import type { ExecutionEnvironment, Times } from "../protocol.ts";

/** A file that is sent along. */
export interface InputFile {
  /** Its path in the job's directory. */
  readonly remote: string;
  /** A path on this machine, or the bytes themselves. */
  readonly source: string | Uint8Array;
}

/** A file or a directory that is brought back. */
export interface OutputFile {
  /** Its path in the job's directory; one that ends in `/` is a directory. */
  readonly remote: string;
  /** Where it is put on this machine: a directory if `remote` is one. */
  readonly local: string;
  /** Write it only if the command succeeded: it replaces an input. @default {false} */
  readonly onlyOnSuccess?: boolean;
}

/** What a function is asked to run. */
export interface Job {
  /** A function's name, `NAME:ALIAS` or ARN. */
  readonly functionName: string;
  /** The arguments that follow the function's own command. */
  readonly args: readonly string[];
  /** The command's standard input; an empty one if absent. */
  readonly stdin?: BlobSource | undefined;
  /** The files sent along. */
  readonly inputs: readonly InputFile[];
  /** The files brought back. */
  readonly outputs: readonly OutputFile[];
}

/** What came of a job whose command ran. Dispose of it when done: it may hold temporary files. */
export interface JobResult extends Disposable {
  /** The command's exit status; 128 + N if signal N ended it. */
  readonly status: number;
  /** What the command wrote to standard output; empty if it is in {@linkcode stdoutFile}. */
  readonly stdout: Uint8Array;
  /**
   * A file with what the command wrote to standard output, if that is more than 4 MiB. It is removed
   * when the result is disposed of, and with the `Llama`.
   */
  readonly stdoutFile?: string | undefined;
  /** What the command wrote to standard error; empty if it is in {@linkcode stderrFile}. */
  readonly stderr: Uint8Array;
  /** The same as {@linkcode stdoutFile} for standard error. */
  readonly stderrFile?: string | undefined;
  /** The files that were written on this machine. */
  readonly written: readonly string[];
  /** The outputs that are not there, standard output and error among them, each with the reason. */
  readonly outputErrors: readonly LlamaError[];
  /** The last 4 KiB of the function's log, where it was asked for. */
  readonly logTail: string | undefined;
  /** Where the time went in the runtime, if it says so, in nanoseconds. */
  readonly times: Times | undefined;
  /** From the start of the job to its last output on this machine, in milliseconds. */
  readonly elapsedMilliseconds: number;
  /** Peak resident bytes of the command, if the runtime says so. */
  readonly memory: number | undefined;
  /** What the command ran in, if the runtime says so. */
  readonly environment: ExecutionEnvironment | undefined;
  /** Lambda's id of the request. */
  readonly requestId: string | undefined;
  /** The runtime's version, if it says so. */
  readonly runtime: string | undefined;
}

/**
 * Whether a job did what it was asked for.
 *
 * @param result What came of it.
 * @returns True if the command exited with 0 and every output is there.
 */
export function succeeded(result: JobResult): boolean {
  return result.status === 0 && result.outputErrors.length === 0;
}

/** What a job is made of: two hashes, integers of 48 bits. */
export interface Identity {
  /** The job's own arguments, lines and files. */
  readonly own: number;
  /** The files that all jobs of the run share. */
  readonly shared: number;
}

/** A job of a run: what a line became. */
export interface PlannedJob {
  /** The job's number, from 0. */
  readonly index: number;
  /** The function that runs it. */
  readonly functionName: string;
  /** The line; several are joined by line feeds. */
  readonly line: string;
  /** Function and arguments as a shell would read them; the templates where one fails. */
  readonly command: string;
  /** What the job is made of, for a job log. */
  readonly identity?: Identity | undefined;
  /** What is to run; absent if a template fails on this line. */
  readonly job: Job | undefined;
  /** Why it is not sent; absent if it is. */
  readonly error?: LlamaError | undefined;
  /** Where its time goes, if that is measured. */
  readonly spans?: Spans | undefined;
}

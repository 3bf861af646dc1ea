/**
 * The trace and the report of a run (`-trace`, `-report`).
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { joinBytes } from "../files/bytes.ts";
import { endOfFile } from "../jobs/big_output.ts";
import type { JobResult } from "../jobs/job.ts";
import { shellQuote } from "../text/shell_quote.ts";
import type { JobRecord } from "../jobs/record.ts";
import type { Run } from "../report/run.ts";
import type { Format } from "../report/write.ts";
import type { Span } from "../spans.ts";
import type { Output } from "../terminal/output.ts";
import { printable } from "../text/printable.ts";
import type { CommandContext } from "./context.ts";
import { isStandardOutput } from "./job_log.ts";

/** Collects the jobs of a run, and writes the trace and the report at its end. */
export interface LookBack {
  /**
   * Adds a job.
   *
   * @param record Its record.
   * @param spans Its spans, if they were measured.
   * @param stderr The standard error of its command, or the end of it.
   */
  add(
    record: JobRecord,
    spans: readonly Span[] | undefined,
    stderr: Uint8Array | undefined,
  ): void;
  /**
   * Writes the files.
   *
   * @param command The command line after `llama`, without flags.
   * @param facts Facts about the run besides its jobs.
   * @returns The error if a file could not be written.
   */
  write(
    command: readonly string[],
    facts: Omit<Run, "title" | "jobs" | "failures" | "subcommand" | "flags">,
  ): Promise<LlamaError | undefined>;
}

/** The part of a long standard error that is kept for a report, in bytes; it shows less. */
const stderrEndBytes = 64 * 1024;

/** The end of a standard error that passes by. */
export class StderrEnd {
  readonly #pieces: Uint8Array[] = [];
  #size = 0;

  /** Adds bytes, which must not change. */
  add(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    for (let [first] = this.#pieces; first; [first] = this.#pieces) {
      if (this.#size - first.length < stderrEndBytes) return;
      this.#pieces.shift();
      this.#size -= first.length;
    }
  }

  /** The end of it. */
  get bytes(): Uint8Array {
    return joinBytes(this.#pieces);
  }
}

/**
 * Reads the standard error of a command.
 *
 * @returns All of it if it is in memory, otherwise its end.
 * @throws What the file system throws.
 */
export async function stderrEndOf(
  result: JobResult | undefined,
): Promise<Uint8Array | undefined> {
  const file = result?.stderrFile;
  return file === undefined ? result?.stderr : await endOfFile(file, stderrEndBytes);
}

/**
 * Prepares the trace and the report that the flags ask for, and loads the code for them only then.
 *
 * @param report The file for a report; empty for none.
 * @returns The collector of jobs; undefined if the flags ask for neither.
 * @throws {LlamaError} `output` if a file cannot be written, which is found out before the run.
 */
export async function openLookBack(
  context: CommandContext,
  report: string,
): Promise<LookBack | undefined> {
  const { global: { trace }, flagWords: flags, signal, output } = context;
  if (trace === "" && report === "") return undefined;
  const { RunJobs } = await import("../report/run.ts");
  const { checkWritable, reportFormat, traceFormat, writeCompressed } = await import(
    "../report/write.ts"
  );
  const isFile = (name: string) => name !== "" && !isStandardOutput(name);
  if (isFile(trace)) await checkWritable(trace, traceFormat);
  if (isFile(report)) await checkWritable(report, reportFormat);
  const jobs = new RunJobs();
  return {
    add: (record, spans, stderr) => jobs.add(record, spans, stderr),
    write: async (command, facts) => {
      // An interrupted run gets its trace and report, too.
      const stop = signal.aborted ? undefined : signal;
      const subcommand = command[0] === "invoke" ? "invoke" : "xargs";
      const put = async (name: string, pieces: Iterable<string>, format: Format) =>
        isFile(name)
          ? await writeCompressed(name, pieces, format, stop)
          : await writePieces(pieces, output);
      const writeTrace = async () => {
        const { traceText } = await import("../report/trace.ts");
        await put(trace, traceText(jobs.all), traceFormat);
      };
      const writeReport = async () => {
        const { reportPage } = await import("../report/page.ts");
        const title = `llama ${shellQuote(command)}`;
        const { all, failures } = jobs;
        const page = reportPage({ title, jobs: all, failures, subcommand, flags, ...facts });
        await put(report, [page], reportFormat);
      };
      const wanted = [{ name: trace, write: writeTrace }, { name: report, write: writeReport }]
        .filter(({ name }) => name !== "")
        // A file is written even if standard output, which comes last, has been closed.
        .sort((one, other) => Number(isFile(other.name)) - Number(isFile(one.name)));
      let failure: LlamaError | undefined;
      for (const { write } of wanted) {
        try {
          await write();
        } catch (error) {
          if (!(error instanceof LlamaError)) throw error;
          failure ??= error;
        }
      }
      return failure;
    },
  };
}

/**
 * Writes text to standard output; on a terminal, with control characters escaped, since names in it may
 * come from outside.
 *
 * @param pieces The text, in pieces.
 * @throws {OutputClosed} If its reader has closed it.
 * @throws {LlamaError} `output` if it cannot be written.
 */
export async function writePieces(pieces: Iterable<string>, output: Output): Promise<void> {
  const { chunked } = await import("../report/write.ts");
  for (const chunk of chunked(pieces)) {
    await output.data(output.isStdoutTerminal ? printable(chunk) : chunk);
  }
}

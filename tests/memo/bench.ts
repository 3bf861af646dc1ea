/** Runs with kept results, against Lambda and S3 in the test's process. */

import {
  type InvokeOptions,
  type Job,
  type JobRecord,
  type JobResult,
  Llama,
  type MapOptions,
} from "../../mod.ts";
import { newCounts, type RunCounts } from "../../lib/jobs/counts.ts";
import { InvokeStub, type StubAnswer } from "../invoke_stub.ts";
import { FakeS3 } from "../store/fake_s3.ts";
import { TemporaryDirectory } from "../helpers.ts";

/** What a run left. */
export interface Ran {
  records: JobRecord[];
  stdout: string[];
  notices: string[];
  counts: RunCounts;
  /** The jobs that were invoked. */
  invoked: number;
  /** How often GetFunction was called. */
  lookups: number;
  /** The failure that ended it. */
  error: unknown;
}

/** Options of a run. */
export interface BenchOptions extends MapOptions {
  /** The store, besides the one that is a directory. */
  store?: "s3" | "directory" | "none";
  templates?: string[];
  lines?: string[];
  functionName?: string;
  environment?: Record<string, string>;
}

/** Options of one job. */
export interface JobOptions extends Partial<Job> {
  store?: "s3" | "directory" | "none";
  cache?: InvokeOptions["cache"];
  noClobber?: boolean;
  onStdout?: InvokeOptions["onStdout"];
  onStderr?: InvokeOptions["onStderr"];
  environment?: Record<string, string>;
}

/** What one job left. */
export interface Invoked {
  result: JobResult;
  stdout: string;
  state: string | undefined;
  why: string | undefined;
  notices: string[];
  invoked: number;
}

/** The times and the environment of a job of 2 s on 1 GB. */
const reported = {
  times: { e2e: 2e9, exec: 2e9, cold: true },
  environment: { memory: 1024, arch: "x86_64" },
};

/** A function, with what it answers and what GetFunction says of it. */
export class MemoBench implements AsyncDisposable {
  readonly directory = new TemporaryDirectory();
  readonly s3 = new FakeS3();
  /** What GetFunction says; tests change it. */
  configuration: Record<string, unknown> = {
    Version: "$LATEST",
    RevisionId: "1",
    PackageType: "Zip",
    Architectures: ["x86_64"],
    CodeSha256: "code",
    Handler: "handler",
    Runtime: "provided.al2023",
    RuntimeVersionConfig: { RuntimeVersionArn: "arn:runtime:1" },
    Layers: [{ Arn: "arn:layer:1" }],
    Environment: { Variables: { A: "1" } },
    MemorySize: 1024,
    Timeout: 60,
    State: "Active",
    LastUpdateStatus: "Successful",
  };
  tags: Record<string, string> = { llama: "llama" };
  /** Answers GetFunction in place of the configuration. */
  describe: (() => Response) | undefined;
  /** By default, outputs are the first input in upper case. */
  answer: StubAnswer = ({ args, files, outputs }) => ({
    ...reported,
    status: 0,
    stdout: { s: `ran ${args.join(" ")}\n` },
    stderr: { s: "warning\n" },
    outputs: Object.fromEntries(outputs.map((path) => [path, {
      s: Object.values(files)[0]?.s?.toUpperCase() ?? "",
      m: 0o755,
    }])),
  });
  readonly stub = new InvokeStub(
    (request) => this.answer(request),
    () =>
      this.describe?.() ?? Response.json({ Configuration: this.configuration, Tags: this.tags }),
  );

  /** Writes an input. */
  write(name: string, contents: string, mode?: number): Promise<string> {
    return this.directory.write(name, contents, mode);
  }

  /** Runs a job per line; by default two jobs with one file each, whose contents are the line. */
  async run(options: BenchOptions = {}): Promise<Ran> {
    const { store = "directory", lines = ["a", "b"], functionName = "f", environment, ...rest } =
      options;
    const { templates = ["{{.AsFile .Line}}"] } = options;
    const notices: string[] = [];
    const before = [this.stub.requests.length, this.stub.lookups.length] as const;
    const counts = newCounts();
    const records: JobRecord[] = [];
    const stdout: string[] = [];
    let error: unknown;
    {
      await using llama = this.#open(store, notices, environment);
      const run = { cache: "on" as const, explainCache: true, counts, ...rest };
      try {
        for await (const outcome of llama.map(functionName, templates, lines, run)) {
          records.push(outcome.record);
          stdout.push(new TextDecoder().decode(outcome.result?.stdout));
        }
      } catch (thrown) {
        error = thrown;
      }
    }
    records.sort((a, b) => a.seq - b.seq);
    return {
      records,
      stdout: stdout.sort(),
      notices,
      counts,
      invoked: this.stub.requests.length - before[0],
      lookups: this.stub.lookups.length - before[1],
      error,
    };
  }

  /** Runs one job with the input `in` and the output `out`, or others. */
  async invoke(options: JobOptions = {}): Promise<Invoked> {
    const { store = "directory", cache = "on", environment, noClobber, ...more } = options;
    const { onStdout, onStderr, ...job } = more;
    const notices: string[] = [];
    const invoked = this.stub.requests.length;
    await using llama = this.#open(store, notices, environment);
    const result = await llama.run({
      functionName: "f",
      args: [],
      inputs: [{ remote: "in", source: this.directory.join("a") }],
      outputs: [{ remote: "out", local: this.directory.join("out") }],
      ...job,
    }, { cache, explainCache: true, noClobber, onStdout, onStderr });
    using _result = result;
    return {
      result,
      stdout: new TextDecoder().decode(result.stdout),
      state: result.cache?.state,
      why: result.cache?.why,
      notices,
      invoked: this.stub.requests.length - invoked,
    };
  }

  #open(
    store: "s3" | "directory" | "none",
    notices: string[],
    environment: Record<string, string> | undefined,
  ): Llama {
    const urls = {
      s3: "s3://bucket/obj/",
      directory: `file://${this.directory.join("store")}`,
      none: "",
    };
    return new Llama({
      store: urls[store],
      environment: {
        ...this.stub.environment,
        ...this.s3.environment,
        TMPDIR: this.directory.path,
        LLAMA_DIR: this.directory.join("llama"),
        ...environment,
      },
      onNotice: (message, hint) => notices.push(hint ? `${message} (${hint})` : message),
    });
  }

  /** The paths of the kept results. */
  async entries(): Promise<string[]> {
    const names = await this.directory.list("llama/act").catch(() => []);
    return names.filter((name) => /\/[0-9a-f]{64}$/.test(name) && !name.includes("/objects/"))
      .map((name) => this.directory.join(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stub[Symbol.asyncDispose]();
    await this.s3[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** Returns a bench with the input `a`. */
export async function newBench(): Promise<MemoBench> {
  const bench = new MemoBench();
  await bench.write("a", "contents of a");
  return bench;
}

/** Returns how the jobs of a run used kept results. */
export function statesOf({ records }: Ran): (string | undefined)[] {
  return records.map(({ cache }) => cache?.state);
}

/** Returns why the jobs of a run were not kept. */
export function whysOf({ records }: Ran): (string | undefined)[] {
  return records.map(({ cache }) => cache?.why);
}

/**
 * Measures a run over 100,000 objects in S3 against a stub: what passes through this machine, and
 * whether memory grows with the number of objects.
 *
 * @module
 */

import type { BenchContext, Figure } from "./figure.ts";
import { fromSource, StubRuns } from "./stub.ts";

/** The numbers of objects. */
const [few, many] = [10_000, 100_000] as const;

/** The number of keys on a page of a listing, as S3 has it. */
const pageLength = 1000;

/** Runs the benchmark. */
export async function benchS3(context: BenchContext): Promise<Figure[]> {
  const measured = { few: await measure(context, few), many: await measure(context, many) };
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  const { bytes, listed, seconds, peak } = measured.many;
  const count = many.toLocaleString("en");
  return [
    {
      what: `${count} objects, listed, read and written: traffic per job`,
      measured: `${(bytes / many).toFixed(0)} B`,
      beside: `of it the listing: ${(listed / many).toFixed(0)} B`,
      ratio: bytes / many / 1000,
      aim: "1 kB",
    },
    {
      what: "their run's peak memory",
      measured: megabytes(peak),
      beside: `${few.toLocaleString("en")} objects: ${megabytes(measured.few.peak)}`,
      ratio: peak / measured.few.peak,
    },
    {
      what: "their run from start to end",
      measured: `${seconds.toFixed(2)} s`,
    },
  ];
}

interface Measured {
  /** The bytes of all bodies, in both directions. */
  readonly bytes: number;
  /** Those of the listing. */
  readonly listed: number;
  readonly seconds: number;
  /** The peak resident set size in bytes. */
  readonly peak: number;
}

async function measure(context: BenchContext, objects: number): Promise<Measured> {
  await using endpoint = new Endpoint(objects);
  await using runs = await StubRuns.open(context, {
    AWS_ENDPOINT_URL_LAMBDA: endpoint.url,
    AWS_ENDPOINT_URL_S3: endpoint.url,
    LLAMA_JOURNAL: "off",
  });
  const args = ["xargs", "-j", "100", "-a", "s3://bucket/in/", "f", "{{.I .Line}}"];
  const output = '{{.O (printf "s3://bucket/out/%d" .Idx)}}';
  const command = `${fromSource([...args, output])} >out`;
  const { peakBytes, elapsedMilliseconds } = await runs.run(command);
  if (endpoint.jobs !== objects) throw new Error(`${endpoint.jobs} jobs instead of ${objects}`);
  const seconds = elapsedMilliseconds / 1000;
  context.say(`${objects} objects: ${seconds.toFixed(2)} s`);
  return { bytes: endpoint.bytes, listed: endpoint.listed, seconds, peak: peakBytes };
}

/** Answers Lambda's Invoke and S3's listing. */
class Endpoint implements AsyncDisposable {
  bytes = 0;
  listed = 0;
  jobs = 0;
  readonly #objects: number;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(objects: number) {
    this.#objects = objects;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    if (request.method === "GET") return this.#list(new URL(request.url).searchParams);
    const text = await request.text();
    const { uploads = {} }: { uploads?: Record<string, { u: string }> } = JSON.parse(text);
    const written = Object.entries(uploads).map(([path, { u }]) => [path, {
      u,
      t: '"d41d8cd98f00b204e9800998ecf8427e"',
      n: 1000,
      e: "the response is newer than this llama: update llama",
    }]);
    const body = JSON.stringify({
      status: 0,
      stdout: {},
      stderr: {},
      outputs: Object.fromEntries(written),
      runtime: "0.1.0",
      accepts: ["zstd", "link", "s3", "uploads"],
    });
    this.jobs++;
    this.bytes += text.length + body.length;
    return new Response(body);
  }

  #list(parameters: URLSearchParams): Response {
    const from = Number(parameters.get("continuation-token") ?? 0);
    const to = Math.min(from + pageLength, this.#objects);
    const contents = Array.from(
      { length: to - from },
      (_, index) =>
        `<Contents><Key>in/picture-${from + index}.png</Key>` +
        "<LastModified>2026-11-27T12:00:00.000Z</LastModified>" +
        "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>1000</Size>" +
        "<StorageClass>STANDARD</StorageClass></Contents>",
    );
    const next = to < this.#objects ? `<NextContinuationToken>${to}</NextContinuationToken>` : "";
    const body = '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>' +
      `<EncodingType>url</EncodingType>${contents.join("")}${next}</ListBucketResult>`;
    this.listed += body.length;
    this.bytes += body.length;
    return new Response(body);
  }
}

/**
 * The floor of a job: a loop that does what every client on Deno must do, and nothing else. It reads
 * names from standard input; with a file in and out, or, without directories, with none.
 *
 * No signature, no retry, no timeout, no check of what arrives: no program for daily use.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

if (import.meta.main) {
  await run();
  Deno.exit(0);
}

async function run(): Promise<void> {
  const [functionName = "", concurrency = "100", from, to = "out"] = Deno.args;
  const region = Deno.env.get("AWS_REGION") ?? "us-west-2";
  const bundle = Deno.env.get("AWS_CA_BUNDLE");
  const url = `https://lambda.${region}.amazonaws.com/2015-03-31/functions/` +
    `${functionName}/invocations`;
  using client = Deno.createHttpClient({
    caCerts: bundle === undefined ? [] : [Deno.readTextFileSync(bundle)],
    http2: false,
    poolMaxIdlePerHost: 1000,
  });
  const encoder = new TextEncoder();

  const invoke = async (request: object) => {
    const body = encoder.encode(JSON.stringify(request));
    createHash("sha256").update(body).digest("hex");
    const headers = { "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", body, client, headers });
    return JSON.parse(await response.text());
  };

  const job = async (name: string) => {
    if (from === undefined) return await invoke({ args: [name], files: {}, outputs: [] });
    const b = Buffer.from(Deno.readFileSync(`${from}/${name}`).buffer).toString("base64");
    const request = { args: ["x"], files: { [name]: { b, m: 0o644 } }, outputs: ["o"] };
    const { outputs: { o } } = await invoke(request);
    const temporary = `${to}/.${name}`;
    Deno.writeFileSync(temporary, Buffer.from(o.b ?? o.s, o.b === undefined ? "utf8" : "base64"));
    Deno.renameSync(temporary, `${to}/${name}`);
  };

  const names = (await new Response(Deno.stdin.readable).text()).trimEnd().split("\n").values();
  await Promise.all(Array.from({ length: Number(concurrency) }, async () => {
    for (const name of names) await job(name);
  }));
}

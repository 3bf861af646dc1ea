import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeToFile } from "../../lib/files/quick.ts";
import { hashFile } from "../../lib/files/hash.ts";
import { runtimeProgram, Workplace } from "../e2e/llama.ts";
import { noise } from "../helpers.ts";
import { FakeAws, peerTest, VersityGw } from "./servers.ts";

const mebibyte = 1024 * 1024;

/** How much memory the client and the runtime may use each, in kibibytes. */
const mostMemory = 200_000_000 / 1024;

/** Writes a file of so many mebibytes, each another; gives the hash of it and "end". */
async function writeBig(path: string, mebibytes: number): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path, { write: true, createNew: true });
  const piece = noise(mebibyte);
  for (let i = 0; i < mebibytes; i++) {
    new DataView(piece.buffer).setUint32(0, i);
    hash.update(piece);
    await writeToFile(file, piece);
  }
  return hash.update("end").digest("hex");
}

/** Waits for a process to end, and gives the most memory that it has used, in kibibytes. */
async function peakMemory(child: Deno.ChildProcess): Promise<number> {
  let peak = 0;
  let hasEnded = false;
  const ended = child.status.then(() => hasEnded = true);
  while (!hasEnded) {
    const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(await readStatus(child.pid)) ?? [];
    peak = Math.max(peak, Number(kibibytes ?? 0));
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  return peak;
}

async function readStatus(pid: number): Promise<string> {
  try {
    return await Deno.readTextFile(`/proc/${pid}/status`);
  } catch {
    // It ended while we looked.
    return "";
  }
}

/** The size of the file: 5,120 take minutes. */
const mebibytes = Number(Deno.env.get("LLAMA_TEST_MEBIBYTES") ?? 1024);

peerTest(`a file of ${mebibytes} MiB goes there and comes back in bounded memory`, async () => {
  await using gateway = await VersityGw.start();
  await using place = new Workplace();
  const environment = {
    ...gateway.environment,
    LLAMA_OBJECT_STORE: "s3://bucket/a b+c/",
    TMPDIR: place.temporary,
  };
  await using aws = await FakeAws.start({
    append: {
      cmd: [...runtimeProgram, "/bin/sh", "-c", "cat in - > out; rm in"],
      timeout: 900,
      env: environment,
    },
  });
  const id = await writeBig(place.here("in"), mebibytes);
  const start = performance.now();
  const child = place.start(["invoke", "-stdin", "-f", "in", "-o", "out", "append"], {
    environment: { ...environment, AWS_ENDPOINT_URL_LAMBDA: aws.url },
  });
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode("end"));
  await stdin.close();
  const [{ success, stderr }, client] = await Promise.all([child.output(), peakMemory(child)]);
  const seconds = (performance.now() - start) / 1000;
  assert(success, new TextDecoder().decode(stderr));
  using out = await Deno.open(place.here("out"));
  assert.equal((await hashFile(out)).id, id);
  const [runtime = 0] = await aws.memory();
  console.log(`client ${client} KiB, runtime ${runtime} KiB, ${seconds.toFixed(1)} s`);
  for (const peak of [client, runtime]) assert(peak > 0 && peak < mostMemory, `${peak} KiB`);
});

import assert from "node:assert/strict";
import { sha256 } from "../../lib/files/hash.ts";
import { textOf } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { Workplace } from "./llama.ts";

const megabytes = 200;

/** Returns the peak memory of a process, in MB. */
function peakMemory(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ??
    [];
  return Number(kilobytes) / 1000;
}

for (const [form, flags] of [["as it is", []], ["-tag", ["-tag"]], ["-json", ["-json"]]] as const) {
  Deno.test({
    name: `${megabytes} MB of standard output, ${form}, do not go through memory`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using place = new Workplace();
      const line = "x".repeat(99) + "\n";
      const output = new TextEncoder().encode(line.repeat(megabytes * 10_000));
      const id = sha256(output);
      await place.write(`store/${id}`, output);
      await using stub = new InvokeStub(() => ({ status: 0, stdout: { r: id } }));
      const child = place.start(
        ["-store", `file://${place.join("store")}`, "xargs", ...flags, "f", ":::", "1"],
        { environment: stub.environment },
      );
      await child.stdin.close();
      let size = 0;
      let lines = 0;
      let peak = 0;
      for await (const piece of child.stdout) {
        // The process still runs: it waits for its output to be read.
        if (size < output.length) peak = peakMemory(child.pid);
        size += piece.length;
        for (const byte of piece) if (byte === 10) lines++;
      }
      const { code } = await child.status;
      assert.equal(textOf(await new Response(child.stderr).bytes()), "");
      assert.equal(code, 0);
      assert(size >= output.length, `${size} bytes`);
      assert.equal(lines, form === "-json" ? 1 : megabytes * 10_000);
      // Without any output it takes about 80 MB.
      assert(peak > 0 && peak < megabytes, `${peak} MB`);
      assert.deepEqual(await place.list("tmp"), []);
    },
  });
}

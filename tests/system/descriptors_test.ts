import assert from "node:assert/strict";
import { isOutOfDescriptors } from "../../lib/files/quick.ts";
import { descriptorBudget, descriptorLimit } from "../../lib/system/descriptors.ts";

Deno.test("connections, runtimes and files together stay below the limit, with a reserve for Deno", () => {
  for (let limit = 48; limit < 70_000; limit = Math.ceil(limit * 1.1)) {
    const { connections, localConnections, environments, files } = descriptorBudget(limit);
    const remote = 2 * connections + 2 * files;
    const local = 2 * localConnections + 4 * environments + 2 * files;
    for (const sum of [remote, local]) assert(sum + 24 <= limit, `${sum} of ${limit}`);
  }
});

Deno.test("each share is at least one, and without a limit there is none", () => {
  for (const limit of [0, 10, 30]) {
    for (const share of Object.values(descriptorBudget(limit))) assert.equal(share, 1);
  }
  for (const share of Object.values(descriptorBudget(Infinity))) assert.equal(share, Infinity);
});

Deno.test({
  name: "the limit is the system's, and a lack of descriptors is recognized",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const script = `
      const { descriptorLimit } = await import(Deno.args[0] + "system/descriptors.ts");
      const { isOutOfDescriptors } = await import(Deno.args[0] + "files/quick.ts");
      console.log(descriptorLimit());
      const open = [];
      try {
        for (;;) open.push(Deno.openSync("/dev/null"));
      } catch (error) {
        for (const file of open) file.close();
        console.log(isOutOfDescriptors(error));
      }
    `;
    const { stdout } = await new Deno.Command("sh", {
      args: [
        "-c",
        'ulimit -n 100; exec "$@"',
        "sh",
        ...[Deno.execPath(), "eval", "--quiet", script],
        new URL("../../lib/", import.meta.url).href,
      ],
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "100\ntrue\n");
    assert(descriptorLimit() > 0);
    assert(!isOutOfDescriptors(new Deno.errors.NotFound()));
  },
});

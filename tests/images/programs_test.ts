/** `llama update-function -program`, against a registry and a stand-in for AWS. */

import assert from "node:assert/strict";
import { testWith } from "../helpers.ts";
import { needsRoot, Programs } from "./programs.ts";
import { makePicture } from "../../scripts/pictures.ts";

testWith(
  needsRoot,
  "a program becomes a function that does in an empty root what it does here",
  async () => {
    await using programs = await Programs.open();
    const first = await programs.ok("-create", "-program", "optipng", "optipng");
    assert.match(
      first.stdout,
      /^optipng: 1 program, \d+ packages, \d+ files, [\d.]+ MB \+ runtime [\d.]+ MB \([\d.]+ \+ [\d.]+ MB to send\)\ncreated optipng: image, 1792 MB, 60 s, x86_64\n$/,
    );
    await Deno.writeFile(programs.here("a.png"), (await makePicture(1)).bytes);
    await using image = await programs.pull("optipng");
    const job = ['{{.I "a.png"}}', "-o1", "-out", '{{.O "b.png"}}'];
    const { status, stderr } = await image.invoke(job);
    assert.equal(status, 0, stderr);
    await new Deno.Command("optipng", {
      args: ["-quiet", "a.png", "-o1", "-out", "c.png"],
      cwd: programs.here(),
    }).output();
    assert.deepEqual(
      await Deno.readFile(programs.here("b.png")),
      await Deno.readFile(programs.here("c.png")),
    );

    const again = await programs.ok("-program", "optipng", "optipng");
    assert.match(
      again.stdout,
      /\(nothing to send\)\noptipng is as it should be: nothing changed\n$/,
    );
  },
);

/** Files that a run writes besides its outputs: what they may replace, and what they may not. */

import assert from "node:assert/strict";
import { exists, Workplace } from "./llama.ts";

const ignore = Deno.build.os !== "linux";

/** Runs two jobs with flags before and after `xargs`. */
async function runWith(place: Workplace, before: string[], after: string[]) {
  return await place.local([...before, "xargs", "-k", ...after, "any", "echo", "{{.Line}}"], {
    stdin: "a\nb\n",
  });
}

/** Each flag that names a file, and how that file begins. */
const kinds = [
  {
    flags: (path: string) => ({ before: [], after: ["-report", path] }),
    what: "a report",
    start: "<!DOCTYPE html>",
  },
  {
    flags: (path: string) => ({ before: ["-trace", path], after: [] }),
    what: "a trace",
    start: '{"displayTimeUnit"',
  },
];

Deno.test("-report and -trace replace only a new file, an empty one or their own", async () => {
  await using place = new Workplace();
  await place.addShell();
  for (const { flags, what, start } of kinds) {
    for (const name of ["thesis.tex", "thesis.gz"]) {
      const path = place.here(name);
      await Deno.writeTextFile(path, "precious");
      const { before, after } = flags(name);
      const { status, stdout, stderr } = await runWith(place, before, after);
      assert.deepEqual([status, stdout], [1, ""]);
      assert.equal(
        stderr,
        `llama: cannot write "${name}": the file exists and is not ${what}\n` +
          "llama: hint: name another file\n",
      );
      assert.equal(await Deno.readTextFile(path), "precious");
      await Deno.writeTextFile(path, "");
      await Deno.chmod(path, 0o600);
      for (let run = 0; run < 2; run++) {
        const { status, stdout } = await runWith(place, before, after);
        assert.deepEqual([status, stdout], [0, "a\nb\n"]);
      }
      assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
      if (!name.endsWith(".tex")) continue;
      assert((await Deno.readTextFile(path)).trimStart().startsWith(start));
    }
  }
});

Deno.test("-report follows a link, and leaves the link where it is", async () => {
  await using place = new Workplace();
  await place.addShell();
  await Deno.mkdir(place.here("pages"));
  for (const target of ["pages/there", "pages/new"]) {
    await Deno.symlink(target, place.here("link"));
    if (target === "pages/there") await Deno.writeTextFile(place.here(target), "");
    const { status } = await runWith(place, [], ["-report", "link"]);
    assert.equal(status, 0);
    assert.equal(await Deno.readLink(place.here("link")), target);
    assert.match(await Deno.readTextFile(place.here(target)), /^\s*<!DOCTYPE html>/);
    await Deno.remove(place.here("link"));
  }
});

Deno.test({
  name: "-report and -trace write to a FIFO, which stays one",
  ignore,
  async fn() {
    await using place = new Workplace();
    await place.addShell();
    await new Deno.Command("mkfifo", { args: [place.here("fifo")] }).output();
    for (const { flags, start } of kinds) {
      const reading = new Deno.Command("cat", { args: [place.here("fifo")] }).output();
      const { before, after } = flags("fifo");
      const { status, stdout } = await runWith(place, before, after);
      assert.deepEqual([status, stdout], [0, "a\nb\n"]);
      const text = new TextDecoder().decode((await reading).stdout);
      assert(text.trimStart().startsWith(start));
      assert((await Deno.lstat(place.here("fifo"))).isFifo);
    }
  },
});

Deno.test({
  name: "a page or a trace that does not fit fails the run, and leaves nothing",
  ignore: ignore || !exists("/dev/full"),
  async fn() {
    await using place = new Workplace();
    await place.addShell();
    for (const { flags } of kinds) {
      for (const name of ["/dev/full", "link.gz"]) {
        if (name !== "/dev/full") await Deno.symlink("/dev/full", place.here(name));
        const { before, after } = flags(name);
        const { status, stdout, stderr } = await runWith(place, before, after);
        assert.deepEqual([status, stdout, stderr], [
          1,
          "a\nb\n",
          `llama: cannot write "${name}": no space left on device\nllama: hint: name another file\n`,
        ]);
        if (name !== "/dev/full") await Deno.remove(place.here(name));
      }
    }
    assert.deepEqual(await place.list("work"), [
      "work/images",
      "work/images/any",
      "work/images/any/function.json",
    ]);
  },
});

Deno.test("two of -joblog, -report and -trace that name one file are refused", async () => {
  await using place = new Workplace();
  await place.addShell();
  for (
    const [flags, message] of [
      [["xargs", "-joblog", "x", "-report", "./x"], '-joblog and -report both name "./x"'],
      [["-trace", "x", "xargs", "-joblog", "x"], '-joblog and -trace both name "x"'],
      [["-trace", "x", "xargs", "-report", "x"], '-report and -trace both name "x"'],
    ] as const
  ) {
    const { status, stdout, stderr } = await place.local([...flags, "any", "true", ":::", "a"]);
    assert.deepEqual([status, stdout, stderr], [
      2,
      "",
      `llama: ${message}\nllama: hint: name a file of its own for each\n`,
    ]);
    assert(!exists(place.here("x")));
  }
});

Deno.test("no job's output replaces the job log", async () => {
  await using place = new Workplace();
  await place.addShell();
  // What `ls` lists where the log is made in the same directory.
  const { status, stderr } = await place.local(
    ["xargs", "-j", "1", "-joblog", "log", "any", "touch", "{{.O .Line}}", ":::", "a", "log", "z"],
  );
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^llama: job 2: any touch log: output "log" is the job log of this run\nllama: hint: give the/,
  );
  const log = await Deno.readTextFile(place.here("log"));
  assert.deepEqual(log.trimEnd().split("\n").map((line) => line.split("\t")[0]), [
    "Seq",
    ...["1", "2", "3"],
  ]);
});

Deno.test("-resume looks only at the results of the jobs that it runs", async () => {
  await using place = new Workplace();
  await place.addShell();
  const run = (...flags: string[]) =>
    place.local([
      ...["xargs", "-joblog", "log", "-results", "kept", ...flags],
      ...["any", "sh", "-c", "exit {{.Line}}", ":::", "0", "1", "0"],
    ]);
  assert.equal((await run()).status, 1);
  await place.write("work/kept/1/notes", "mine");
  // Of the jobs that ended, -resume-failed repeats the second alone.
  const { status, stderr } = await run("-resume-failed");
  assert.equal(status, 1);
  assert.match(stderr, /^llama: job 2: /);
  assert.equal(await Deno.readTextFile(place.here("kept/1/notes")), "mine");
  await place.write("work/kept/2/notes", "mine");
  assert.equal((await run("-resume")).status, 0);
  const refused = await run("-resume-failed");
  assert.deepEqual([refused.status, refused.stderr.split("\n")[0]], [
    2,
    'llama: "kept/2" is not the result of an earlier run',
  ]);
  assert.equal(await Deno.readTextFile(place.here("kept/2/notes")), "mine");
});

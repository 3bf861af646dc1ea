import assert from "node:assert/strict";
import { passArguments } from "../../lib/runtime/shell_form.ts";

/** What a Dockerfile's SHELL may be, with a text after it. */
const shells = [
  "/bin/sh -c",
  "sh -c",
  "/bin/ash -c",
  "/bin/bash -c",
  "/usr/local/bin/bash-5.2 -c",
  "/bin/bash -lc",
  "/bin/bash -exc",
  "/bin/bash -o pipefail -c",
  "/bin/bash -eo pipefail -c",
  "/bin/bash -euxo pipefail -c",
  "/bin/bash -ceuo pipefail",
  "/bin/bash -c -e",
  "/bin/bash -O extglob -c",
  "/bin/bash +O extglob -c",
  "/bin/bash --norc --rcfile /dev/null -c",
  "/bin/bash -c --",
  "/bin/dash -ec",
  "/bin/ksh93 -c",
  "/bin/mksh -c",
  "/bin/zsh -o pipefail -c",
  "/usr/bin/env bash -c",
  "/usr/bin/env -i bash -c",
  "/usr/bin/env -u FOO BAR=1 bash -o pipefail -c",
  "/usr/bin/env -S bash -ec",
  "nice -n 1 /bin/bash -c",
  "stdbuf -oL sh -c",
  "tini -- /bin/sh -c",
  "conda run --no-capture-output -n sh /bin/bash -c",
  "/usr/bin/micromamba run -n base bash -o pipefail -c",
  "/bin/busybox sh -c",
  "busybox ash -ec",
];

Deno.test("a CMD in shell form gets the job's arguments as positional parameters", () => {
  for (const shell of shells) {
    const words = shell.split(" ");
    assert.deepEqual(
      passArguments([...words, "  gzip -9 | cat"]),
      [...words, '  gzip -9 | cat "$@"', "gzip"],
      shell,
    );
  }
  assert.deepEqual(
    passArguments(["/bin/sh", "-c", "cd /srv\nexec tool\n \n"]),
    ["/bin/sh", "-c", 'cd /srv\nexec tool "$@"', "cd"],
  );
  assert.deepEqual(
    passArguments(["/usr/bin/fish", "-c", "echo hi"]),
    ["/usr/bin/fish", "-c", "echo hi $argv"],
  );
});

Deno.test("a CMD in exec form is unchanged", () => {
  for (
    const words of [
      [],
      [""],
      ["/bin/sh"],
      ["/bin/sh", "-c"],
      ["/bin/sh", "-c", "a", "b"],
      ["/bin/bash", "-o", "pipefail", "-c", "a", "b"],
      ["/bin/bash", "script.sh", "-c", "x"],
      ["/bin/bash", "-o", "-c", "x"],
      ["/bin/bash", "--norc", "x"],
      ["/bin/busybox", "tr", "-c", "a"],
      ["/usr/bin/env", "-i", "tr", "-c", "x"],
      ["env", "sh"],
      ["env", "sh", "-c"],
      ["nice", "sh", "-c", "a", "b"],
      ["xargs", "-n1", "sh", "-c", "echo"],
      ["conda", "run", "-n", "sh", "tr", "-c", "x"],
      ["/usr/bin/python3", "-c", "print(1)"],
      ["/usr/bin/perl", "-c", "x"],
      ["grep", "-c", "x"],
      ["env", "busybox"],
    ]
  ) {
    assert.deepEqual(passArguments(words), words);
  }
});

Deno.test("every installed shell runs the text with the arguments", async () => {
  for (const shell of shells) {
    const words = passArguments([...shell.split(" "), "printf '<%s>' x"]);
    const [program = "", ...args] = words;
    let output;
    try {
      output = await new Deno.Command(program, { args: [...args, "a b", "", "$HOME"] }).output();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      throw error;
    }
    assert.equal(new TextDecoder().decode(output.stdout), "<x><a b><><$HOME>", shell);
  }
});

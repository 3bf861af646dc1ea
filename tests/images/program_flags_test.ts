/** What the flags of `llama update-function -program` do, and what they refuse. */

import assert from "node:assert/strict";
import { testWith, textOf } from "../helpers.ts";
import { needs, Programs } from "./programs.ts";

let shared: Programs | undefined;

Deno.test.afterAll(async () => {
  await shared?.[Symbol.asyncDispose]();
});

function test(name: string, body: (programs: Programs) => Promise<void>): void {
  testWith(needs, name, async () => {
    shared ??= await Programs.open();
    await body(shared);
  });
}

/** Lists the files of an image with their reasons. */
async function list(programs: Programs, ...args: string[]): Promise<Map<string, string>> {
  const { stdout } = await programs.ok("-dry-run", ...args, "f");
  return new Map(
    stdout.trimEnd().split("\n").map((line): [string, string] => {
      const [path = "", reason = ""] = line.split("\t");
      return [path.replace(/ -> .*/, ""), reason];
    }),
  );
}

test("-dry-run lists each file with its reason, and asks AWS for nothing", async (programs) => {
  const args = ["update-function", "-dry-run", "-program", "ls"];
  const { status, stdout, stderr } = await programs.aws([...args, "f"], {
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^\/usr\/bin\/ls\ta program that was named$/m);
  assert.match(
    stdout,
    /^\/usr\/lib\/x86_64-linux-gnu\/libselinux\S+\t\/usr\/bin\/ls is linked with it$/m,
  );
  assert.match(stdout, /^\/llama_runtime\tthe runtime$/m);
  assert.doesNotMatch(stdout, /^\/usr\/share\/(man|doc)\//m);
  assert.match(stderr, /^llama: f: 1 program, \d+ packages, [\d,]+ files, [\d.]+ MB \+ runtime/m);
});

test("-minimal takes what is linked alone, -exclude leaves out, -include adds", async (programs) => {
  const data = await programs.add("data/keep/a", "a");
  await programs.add("data/skip.tmp", "b");
  const minimal = await list(
    programs,
    ...["-minimal", "-program", "ls", "-include", `${programs.files}/data`, "-exclude", "*.tmp"],
  );
  const own = [...minimal].filter(([, reason]) => !/^the (runtime|locale)/.test(reason));
  assert(own.every(([path]) => /^\/usr\/bin\/ls$|\/lib|^\/var\/tmp\//.test(path)), own.join("\n"));
  assert.equal(minimal.get(data), "-include names it");
  assert.equal(minimal.has(`${programs.files}/data/skip.tmp`), false);
  const whole = await list(programs, "-program", "ls", "-exclude", "/usr/share/terminfo");
  assert(whole.has("/usr/bin/dircolors"), "the rest of its package");
});

test("a link that leads out of an included directory brings its target along", async (programs) => {
  const outside = await programs.add("outside/target", "t");
  await programs.add("inside/file", "f");
  await Deno.symlink("../outside/target", `${programs.files}/inside/link`);
  await Deno.symlink("nowhere", `${programs.files}/inside/dangling`);
  const within = await programs.add("other/deep/file", "d");
  await Deno.symlink("../other", `${programs.files}/inside/directory`);
  await Deno.symlink(".", `${programs.files}/inside/itself`);
  const found = await list(
    programs,
    ...["-minimal", "-program", "true", "-include", `${programs.files}/inside`],
  );
  assert(found.has(`${programs.files}/inside/link`));
  assert(found.has(outside));
  assert(found.has(`${programs.files}/inside/dangling`));
  assert(found.has(within));
});

test("a file whose name is not UTF-8 is left out, and named", async (programs) => {
  await programs.add("names/plain", "p");
  const { success } = await new Deno.Command("sh", {
    args: ["-c", ": > \"$1/$(printf 'a\\377b')\"", "sh", `${programs.files}/names`],
  }).output();
  assert(success);
  const { status, stderr, stdout } = await programs.update(
    ...["-dry-run", "-minimal", "-program", "true", "-include", `${programs.files}/names`, "names"],
  );
  assert.equal(status, 0, stderr);
  assert(stdout.includes(`${programs.files}/names/plain\t`), stdout);
  assert(
    stderr.includes(`left out: ${programs.files}/names/a\\xffb: its name is not UTF-8\n`),
    stderr,
  );
});

test("a touched file changes nothing, and a changed one a single layer", async (programs) => {
  const file = await programs.add("changing/file", "one");
  const args = ["-program", "true", "-include", `${programs.files}/changing`, "changing"];
  await programs.ok("-create", ...args);
  const first = await programs.manifest("changing");
  await Deno.utime(file, 1, 1);
  assert.match(
    (await programs.ok(...args)).stdout,
    /nothing to send\)\nchanging is up to date/,
  );
  await Deno.writeTextFile(file, "two");
  const changed = await programs.ok(...args);
  assert.match(changed.stdout, /\(\d+ B to send\)\nupdated changing: code\n$/);
  const second = await programs.manifest("changing");
  const same = first.layers.filter(({ digest }, index) => second.layers[index]?.digest === digest);
  assert.deepEqual([first.layers.length, same.length], [3, 2]);
});

test("a second function of the same packages sends only its configuration", async (programs) => {
  await programs.ok("-create", "-program", "head", "first");
  const second = await programs.ok("-create", "-program", "tail", "second");
  assert.match(second.stdout, /\(nothing to send\)\ncreated second/);
});

test("a folder names programs and files, and runs here as it does there", async (programs) => {
  await programs.write("work/images/count/words.txt", "one two three\n");
  await programs.write(
    "work/images/count/function.json",
    JSON.stringify({
      programs: ["wc"],
      include: ["words.txt"],
      check: "wc --version",
      memory: 256,
      environment: { NAME: "value" },
    }),
  );
  const local = await programs.run(["-local", "invoke", "count", "--version"]);
  const here = await new Deno.Command("wc", { args: ["--version"] }).output();
  assert.deepEqual([local.status, local.stdout], [0, textOf(here.stdout)], local.stderr);
  for (const flag of ["-build", "-program"]) {
    const name = `count${flag}`;
    const made = await programs.ok("-create", flag, "images/count", name);
    assert.match(made.stdout, new RegExp(`created ${name}: image, 256 MB`));
    const { config } = await programs.configuration(name);
    assert.deepEqual(config.Cmd, ["/usr/bin/wc"]);
    assert(config.Env.includes("LANG=C.UTF-8"), config.Env.join(" "));
  }
  const { stdout } = await programs.ok("-dry-run", "-build", "images/count", "count");
  assert(stdout.includes(`${programs.here("images/count/words.txt")}\t-include names it\n`));
  const again = await programs.ok("-build", "images/count", "count-build");
  assert.match(again.stdout, /count-build is up to date: nothing changed\n$/);
});

testWith(
  [...needs, "LLAMA_TEST_IMAGES"],
  "-check names the file that is missing, before anything is sent",
  async () => {
    shared ??= await Programs.open();
    const programs = shared;
    const data = await programs.add("data.txt", "text\n");
    const script = await programs.add("reads.sh", `#!/bin/sh\nexec cat ${data}\n`, 0o755);
    const args = ["-create", "-program", script, "-program", "cat"];
    const lacking = await programs.update(...args, "lacking");
    assert.equal(lacking.status, 2);
    assert.equal(
      lacking.stderr,
      `llama: the image lacks ${data}: ${script} --version ended with status 1\n` +
        `llama: hint: add -include ${data}\n`,
    );
    assert.equal((await programs.ask("manifests/lacking")).status, 404);
    const failing = await programs.update(...args, "-check", "sh -c 'echo no; exit 3'", "lacking");
    assert.equal(failing.status, 2);
    assert.match(failing.stderr, /^llama: sh -c .* ended with status 3 in the image: no\n/m);
    const whole = await programs.ok(...args, "-include", data, "-check", script, "whole");
    assert.equal(whole.stderr, "");
  },
);

test("what cannot become a function is refused in one line, before anything is sent", async (programs) => {
  const here = (name: string, contents: string | Uint8Array, mode = 0o755) =>
    programs.add(`bad/${name}`, contents, mode);
  const noLine = await here("no-line", "echo hi\n");
  const badLine = await here("bad-line", "#!/nowhere/interpreter\n");
  const relative = await here("relative", "#!bin/sh\n");
  const plain = await here("plain", "text\n", 0o644);
  const secret = await here("secret", "#!/bin/sh\n", 0o700);
  const elf32 = new Uint8Array(64);
  elf32.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const old = await here("elf32", elf32);
  const dangling = `${programs.files}/bad/dangling`;
  await Deno.symlink("nowhere", dangling);
  await here("home/.ssh/id_ed25519", "key\n", 0o644);
  await here("keys/server.pem", "-----BEGIN PRIVATE KEY-----\n", 0o644);
  const cases: readonly (readonly [args: string[], message: RegExp])[] = [
    [["-program", "no-such-program"], /no program "no-such-program" on this machine/],
    [["-program", "cd"], /no program "cd" on this machine\n.*builtin or an alias/],
    [["-program", programs.files], /is a directory\n.*-include takes directories/],
    [["-program", plain], /plain" is not executable\n.*chmod \+x/],
    [
      ["-program", noLine],
      /no-line" is neither a program for Linux nor a script that begins with "#!"/,
    ],
    [["-program", badLine], /begins with "#!\/nowhere\/interpreter": no program/],
    [["-program", relative], /begins with "#!bin\/sh": "bin\/sh" is not an absolute path/],
    [["-program", secret], /secret" cannot go along: private: others may not read it/],
    [["-program", old], /elf32" is for 32-bit machines; the function is for x86_64/],
    [["-program", dangling], /dangling" is a symbolic link to nothing/],
    [["-program", "true", "-include", dangling], /dangling": it is a symbolic link to nothing/],
    [["-program", "true", "-include", "/nowhere"], /cannot read "\/nowhere": no such file/],
    [["-program", "true", "-include", `${programs.files}/bad/home`], /id_ed25519" holds keys/],
    [["-program", "true", "-include", `${programs.files}/bad/keys`], /server\.pem" holds keys/],
    [
      ["-program", "true", "-arch", "arm64"],
      /programs of this machine are for x86_64, not for arm64/,
    ],
    [["-program", "true", "-registry", "https://host/x"], /is not a repository of a registry/],
    [["-program", "true", "-zip", "x"], /-zip and -program do not go together/],
    [["-image", "x", "-include", "y"], /-include is only for -program/],
  ];
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = await programs.aws(
      ["update-function", "-create", "-runtime", programs.runtime, ...args, "refused"],
    );
    assert.match(stderr, message, args.join(" "));
    assert.equal(stdout, "", args.join(" "));
    assert.equal(status, 2, args.join(" "));
  }
  const { stderr } = await programs.aws(["functions"]);
  assert.doesNotMatch(stderr, /refused/);
});

test("teardown removes the stack's images in other registries too", async (programs) => {
  const file = await programs.add("torn", "x");
  await programs.ok("-create", "-minimal", "-program", "true", "-include", file, "torn");
  const { status, stdout, stderr } = await programs.aws(["teardown", "-yes"]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^deleted the image 127\.0\.0\.1:\d+\/llama@sha256:\w+$/m);
  assert.equal((await programs.ask("manifests/torn")).status, 404);
});

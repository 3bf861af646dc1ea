/** `llama update-function -program`, against a registry and a stand-in for AWS. */

import assert from "node:assert/strict";
import { makePicture } from "../../scripts/pictures.ts";
import { testWith, textOf } from "../helpers.ts";
import { needsRoot, Programs, type PulledImage } from "./programs.ts";
import { run } from "./root.ts";

let shared: Programs | undefined;

Deno.test.afterAll(async () => {
  await shared?.[Symbol.asyncDispose]();
});

/** A test of a function in an empty root; ignored where a program of this machine is missing. */
function test(
  programs: readonly string[],
  name: string,
  body: (programs: Programs) => Promise<void>,
): void {
  const missing = programs.filter((program) => !isThere(program));
  if (missing.length > 0) {
    Deno.test({ name: `${name} (not installed: ${missing.join(", ")})`, ignore: true, fn() {} });
    return;
  }
  testWith(needsRoot, name, async () => {
    shared ??= await Programs.open();
    await body(shared);
  });
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    // Then its test is ignored.
    return false;
  }
}

/** Runs a program here, as the function is run there: with an environment of its own. */
async function here(command: readonly string[]): Promise<[number, string]> {
  const [program = "", ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", HOME: "/tmp", LANG: "C.UTF-8" },
    stdin: "null",
  }).output();
  assert.equal(textOf(stderr), "");
  return [code, textOf(stdout)];
}

/** Checks that the image does what the program does here. */
async function sameAsHere(
  image: PulledImage,
  program: string,
  ...jobs: readonly (readonly string[])[]
): Promise<void> {
  for (const args of jobs) {
    const { status, stdout, stderr } = await image.invoke(args);
    assert.equal(stderr, "", args.join(" "));
    assert.deepEqual([status, stdout], await here([program, ...args]), args.join(" "));
  }
}

test(
  ["/usr/bin/optipng"],
  "a program becomes a function that does in an empty root what it does here",
  async (programs) => {
    const first = await programs.ok("-create", "-program", "optipng", "optipng");
    assert.match(
      first.stdout,
      /^optipng: 1 program, \d+ packages, \d+ files, [\d.]+ MB \+ runtime [\d.]+ MB \([\d.]+ \+ [\d.]+ MB to send\)\ncreated optipng: image, 1792 MB, 60 s, x86_64\n$/,
    );
    await Deno.writeFile(programs.here("a.png"), (await makePicture(1)).bytes);
    await using image = await programs.pull("optipng");
    const job = ['{{.I "a.png"}}', "-quiet", "-o1", "-out", '{{.O "b.png"}}'];
    const { status, stderr } = await image.invoke(job);
    assert.deepEqual([status, stderr], [0, ""]);
    const [input, output] = [programs.here("a.png"), programs.here("c.png")];
    await here(["/usr/bin/optipng", "-quiet", input, "-o1", "-out", output]);
    assert.deepEqual(
      await Deno.readFile(programs.here("b.png")),
      await Deno.readFile(programs.here("c.png")),
    );

    const again = await programs.ok("-program", "optipng", "optipng");
    assert.match(
      again.stdout,
      /\(nothing to send\)\noptipng is up to date: nothing changed\n$/,
    );
  },
);

test(
  ["/usr/bin/convert", "/usr/bin/fc-match"],
  "ImageMagick finds its coders and a font",
  async (programs) => {
    await programs.ok("-create", "-program", "/usr/bin/convert", "convert");
    await Deno.writeFile(programs.here("d.png"), (await makePicture(2)).bytes);
    await using image = await programs.pull("convert");
    const caption = ["-size", "200x", "-font", "DejaVu-Sans", "caption:What is on it", "-append"];
    const { status, stderr } = await image.invoke([
      '{{.I "d.png"}}',
      ...caption,
      '{{.O "d.jpg"}}',
    ]);
    assert.deepEqual([status, stderr], [0, ""]);
    await here(["/usr/bin/convert", programs.here("d.png"), ...caption, programs.here("e.jpg")]);
    assert.deepEqual(
      await Deno.readFile(programs.here("d.jpg")),
      await Deno.readFile(programs.here("e.jpg")),
    );
  },
);

test(
  ["/usr/bin/python3"],
  "Python has its standard library, compiled parts included",
  async (programs) => {
    await programs.ok("-create", "-program", "/usr/bin/python3", "python");
    await using image = await programs.pull("python");
    await sameAsHere(
      image,
      "/usr/bin/python3",
      ["-c", "import ssl, sqlite3, json; print(ssl.OPENSSL_VERSION, sqlite3.sqlite_version)"],
      ["-c", "import ctypes, decimal, lzma, zoneinfo; print(zoneinfo.ZoneInfo('Europe/Vienna'))"],
      ["-c", "import json, sys; print(json.__cached__); sys.exit(3)"],
    );
  },
);

test(
  ["/usr/bin/perl", "/usr/share/perl5/JSON.pm"],
  "a Perl script finds its modules",
  async (programs) => {
    const script = await programs.add(
      "sums.pl",
      "#!/usr/bin/env perl\nuse strict; use JSON; use POSIX qw(floor); use Digest::SHA qw(sha256_hex);\n" +
        "print JSON->new->canonical->encode({args => [@ARGV], floor => floor(2.5)}), " +
        'sha256_hex("x"), "\\n";\n',
      0o755,
    );
    const modules = "/usr/share/perl5/JSON.pm";
    await programs.ok("-create", "-program", script, "-include", modules, "sums");
    await using image = await programs.pull("sums");
    await sameAsHere(image, script, ["a", "b c"]);
  },
);

test(
  ["/usr/bin/jq", "/usr/bin/awk"],
  "a script finds the programs that were named with it",
  async (programs) => {
    const script = await programs.add(
      "both.sh",
      "#!/bin/bash\nset -euo pipefail\n" +
        "jq -cn --arg a \"$1\" '{a: $a, b: [1, 2]}' | awk '{ print NR \": \" toupper($0) }'\n",
      0o755,
    );
    await programs.ok("-create", "-program", script, "-program", "jq", "-program", "awk", "both");
    await using image = await programs.pull("both");
    await sameAsHere(image, script, ["x y"]);
  },
);

test(["/usr/bin/git"], "git reads a repository that was sent along", async (programs) => {
  const repository = `${programs.files}/repository`;
  await programs.add("repository/file", "text\n");
  const author = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
  await run("git", "-C", repository, "init", "-q", "-b", "main");
  await run("git", "-C", repository, "add", "file");
  await run("git", "-C", repository, ...author, "commit", "-q", "-m", "the first");
  await programs.ok("-create", "-program", "git", "-include", repository, "git");
  await using image = await programs.pull("git");
  const safe = ["-c", "safe.directory=*", "-C", repository];
  await sameAsHere(
    image,
    "/usr/bin/git",
    [...safe, "log", "--stat", "--format=%H %an %s"],
    [...safe, "shortlog", "-sn", "HEAD"],
  );
});

test(
  ["/usr/bin/gcc", "/usr/include/stdio.h"],
  "gcc finds its headers, and what it starts itself",
  async (programs) => {
    await programs.ok("-create", "-program", "/usr/bin/gcc", "gcc");
    await using image = await programs.pull("gcc");
    await programs.write(
      "work/a.c",
      '#include <stdio.h>\nint main(void) { return puts("x") < 0; }\n',
    );
    const job = ["-O2", "-c", '{{.I "a.c"}}', "-o", '{{.O "a.o"}}'];
    const { status, stderr } = await image.invoke(job);
    assert.deepEqual([status, stderr], [0, ""]);
    await run("gcc", programs.here("a.o"), "-o", programs.here("a.out"));
    assert.equal(await run(programs.here("a.out")), "x\n");
  },
);

test(
  ["/usr/bin/curl"],
  "curl has the certificates that it trusts, and an own one can go along",
  async (programs) => {
    const [key, certificate] = [`${programs.files}/ca/key`, `${programs.files}/ca/ca.crt`];
    await programs.add("ca/empty", "");
    await run(
      "openssl",
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
    );
    await programs.ok("-create", "-program", "curl", "-include", certificate, "curl");
    await using image = await programs.pull("curl");
    await using server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      key: await Deno.readTextFile(key),
      cert: await Deno.readTextFile(certificate),
      onListen() {},
    }, () => new Response("over TLS\n"));
    const url = `https://localhost:${server.addr.port}/`;
    const trusted = await image.invoke(["-sS", "--cacert", certificate, url]);
    assert.deepEqual([trusted.status, trusted.stdout, trusted.stderr], [0, "over TLS\n", ""]);
    // 60 is a certificate that is not trusted, 77 a file of certificates that cannot be read.
    assert.equal((await image.invoke(["-sS", url])).status, 60);
  },
);

test(
  ["/usr/bin/optipng"],
  "functions, doctor and delete-function know what is in an image",
  async (programs) => {
    const [own, other] = ["optipng-a", "optipng-b"];
    const file = await programs.add("only-here", "x");
    for (const name of [own, other]) {
      await programs.ok("-create", "-program", "optipng", "-include", file, name);
    }
    const list = await programs.aws(["functions"]);
    const contents = /^optipng-a .* \/usr\/bin\/optipng \(optipng [\w.:+~-]+\), \d+ packages$/m;
    assert.match(list.stdout, contents, list.stderr);
    const one = await programs.aws(["functions", own]);
    assert.match(one.stdout, /^program {3}\/usr\/bin\/optipng\npackage {3}/m);
    assert.match(one.stdout, /^package {3}libc6:amd64 2\.\S+$/m);
    assert.match((await programs.aws(["doctor"])).stdout, /^✓ function optipng-a: image, 1792 MB/m);

    // Both are one image, which the first that goes leaves to the other.
    const before = await programs.manifest(other);
    const deleted = await programs.aws(["delete-function", own]);
    assert.equal(deleted.stdout, "deleted optipng-a\n", deleted.stderr);
    assert.deepEqual(await programs.manifest(other), before);
    const last = await programs.aws(["delete-function", other]);
    assert.match(last.stdout, /^deleted optipng-b\ndeleted 127\.0\.0\.1:\d+\/llama@sha256:\w+\n$/);
    const gone = await programs.ask(`manifests/${other}`);
    assert.equal(gone.status, 404, await gone.text());
  },
);

test(
  ["/usr/bin/optipng"],
  "doctor sees an image that has been replaced, and one that is gone",
  async (programs) => {
    await programs.ok("-create", "-program", "optipng", "kept");
    await programs.ok("-create", "-program", "optipng", "-program", "true", "moved");
    const { config } = await programs.configuration("moved");
    assert.deepEqual(config.Cmd, ["/usr/bin/optipng"]);
    await programs.copyTag("kept", "moved");
    const replaced = await programs.aws(["doctor"]);
    assert.equal(replaced.status, 1);
    assert.match(
      replaced.stdout,
      /✗ function moved: its image is sha256:\w+, and [\d.:]+\/llama:moved sha256:\w+\n {2}run `llama update-function -program \/usr\/bin\/optipng -program \/usr\/bin\/true moved` again\n/,
    );
    await programs.remove("kept");
    const gone = await programs.aws(["doctor"]);
    assert.match(
      gone.stdout,
      /✗ function kept: its image sha256:\w+ is no longer in [\d.:]+\/llama\n/,
    );
    // What deletes functions goes on without their images.
    for (const name of ["kept", "moved"]) {
      const { status, stderr } = await programs.aws(["delete-function", name]);
      assert.equal(status, 0, stderr);
    }
  },
);

test(["/usr/bin/ffmpeg"], "ffmpeg makes a film and reads it", async (programs) => {
  await programs.ok("-create", "-program", "ffmpeg", "ffmpeg");
  await using image = await programs.pull("ffmpeg");
  const source = ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=1"];
  const exact = ["-fflags", "+bitexact", "-flags", "+bitexact", "-threads", "1"];
  const { status, stderr } = await image.invoke([...source, ...exact, '{{.O "f.mp4"}}']);
  assert.deepEqual([status, stderr], [0, ""]);
  await here(["/usr/bin/ffmpeg", ...source, ...exact, programs.here("g.mp4")]);
  assert.deepEqual(
    await Deno.readFile(programs.here("f.mp4")),
    await Deno.readFile(programs.here("g.mp4")),
  );
});

const venv = Deno.env.get("LLAMA_TEST_VENV") ?? "";

test(
  [`${venv}/bin/python`],
  "a virtual environment of Python goes along with its libraries",
  async (programs) => {
    const python = `${venv}/bin/python`;
    const work =
      "import numpy; print(numpy.linalg.solve([[2, 1], [1, 3]], [3, 5]), numpy.__file__)";
    await programs.ok(
      ...["-create", "-program", python, "-include", venv],
      ...["-check", `${python} -c 'import numpy'`, "numpy"],
    );
    await using image = await programs.pull("numpy");
    await sameAsHere(image, python, ["-c", work]);
    // What was compiled here is valid there, or each job would compile it again.
    const { stderr } = await image.invoke(["-v", "-c", "import numpy"]);
    assert.match(stderr, /^# \S*numpy\/__pycache__\/__init__\S*\.pyc matches /m);
    assert.doesNotMatch(stderr, /bytecode is stale/);
  },
);

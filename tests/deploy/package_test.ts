import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { checkModes, checkPackage, readPackage } from "../../lib/deploy/package.ts";
import { zipOf } from "../../lib/deploy/zip_writer.ts";
import { zipMembers } from "../../lib/deploy/zip_reader.ts";
import { bytesOf, noise, TemporaryDirectory, textOf } from "../helpers.ts";
import { failureOf } from "./failure_of.ts";

/** The first bytes of an ELF program: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
function elf(machine: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  new DataView(bytes.buffer).setUint16(18, machine, true);
  return bytes;
}

const script = { name: "hello.sh", bytes: bytesOf("#!/bin/sh\n"), mode: 0o755 };

async function check(
  entries: Parameters<typeof zipOf>[0],
  handler = "hello.sh",
  architecture: "x86_64" | "arm64" = "x86_64",
): Promise<void> {
  await using directory = new TemporaryDirectory();
  const path = await directory.write("f.zip", zipOf(entries));
  checkPackage({ ...await readPackage(path, "f"), from: "f.zip" }, handler, architecture);
}

Deno.test("a folder is zipped without its function.json, which is parsed", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("f/hello.sh", "#!/bin/sh\n", 0o755);
  await directory.write("f/lib/data.txt", "data", 0o640);
  await directory.write("f/function.json", '{"handler": "hello.sh", "memory": 256}');
  await Deno.symlink("lib/data.txt", directory.join("f/link.txt"));
  const { zip, members, definition } = await readPackage(directory.join("f"), "f");
  assert.deepEqual(
    members.map(({ name, bytes, mode, read }) => [name, bytes, mode, textOf(read())]),
    [
      ["hello.sh", 10, 0o100755, "#!/bin/sh\n"],
      ["lib/data.txt", 4, 0o100644, "data"],
      ["link.txt", 4, 0o100644, "data"],
    ],
  );
  assert.deepEqual([definition?.name, definition?.memory], ["f", 256]);
  assert.deepEqual((await readPackage(directory.join("f"), "f")).zip, zip);
});

Deno.test("zips by Info-ZIP and others are read: stored, with a comment", () => {
  // "a", stored, and an archive's comment.
  const zip = Buffer.from(
    "UEsDBAoAAAAAAAAAIQBDvrfoAQAAAAEAAAABAAAAYWFQSwECHgMKAAAAAAAAACEAQ7636AEAAAABAAAAAQAAAAAA" +
      "AAABAAAApIEAAAAAYVBLBQYAAAAAAQABAC8AAAAgAAAAAgBoaQ==",
    "base64",
  );
  const [member] = zipMembers(zip, "a.zip");
  assert.deepEqual([member?.name, member?.bytes, member?.mode], ["a", 1, 0o100644]);
  assert.equal(textOf(member?.read() ?? new Uint8Array()), "a");
});

Deno.test("a file that is not a zip, or an incomplete one, is an error", async () => {
  const whole = zipOf([{ ...script, bytes: noise(1000) }]);
  for (const bytes of [bytesOf("no zip"), whole.subarray(0, 700), whole.subarray(300)]) {
    assert.throws(
      () => zipMembers(bytes, "f.zip").map(({ read }) => read()),
      /not a complete zip file/,
    );
  }
  await using directory = new TemporaryDirectory();
  const [message] = await failureOf(readPackage(directory.join("none"), "f"));
  assert.match(message, /^cannot read .*\/none: no such file or directory$/);
  await Deno.mkdir(directory.join("empty"));
  const [empty] = await failureOf(readPackage(directory.join("empty"), "f"));
  assert.match(empty, /has no files to zip$/);
});

Deno.test("the handler must be in the zip", async () => {
  assert.deepEqual(await failureOf(check([script], "helo.sh")), [
    "the handler helo.sh is not in f.zip",
    "did you mean -handler hello.sh?",
  ]);
  assert.deepEqual(await failureOf(check([{ ...script, name: "bin/run" }], "run")), [
    "the handler run is not in f.zip",
    "did you mean -handler bin/run?",
  ]);
  const six = ["a", "b", "c", "d", "e", "f"].map((name) => ({ ...script, name }));
  assert.deepEqual(await failureOf(check(six, "hello.sh")), [
    "the handler hello.sh is not in f.zip",
    "it contains a, b, c, d, e, ...",
  ]);
});

Deno.test("the handler must be executable", async () => {
  assert.deepEqual(await failureOf(check([{ ...script, mode: 0o644 }])), [
    "the handler hello.sh in f.zip is not executable",
    "run `chmod +x hello.sh` and zip it again",
  ]);
});

Deno.test("in a folder's zip everyone may read and execute what the owner may, whatever the umask", async () => {
  await using directory = new TemporaryDirectory();
  // Every mode with which the creator of the zip can read the file.
  for (let mode = 0o400; mode <= 0o777; mode++) {
    if (mode & 0o400) await directory.write(`f/${mode.toString(8)}`, "x", mode);
  }
  const { members } = await readPackage(directory.join("f"), "f");
  assert.equal(members.length, 256);
  for (const { name, mode = 0 } of members) {
    const owner = parseInt(name, 8);
    assert.equal(mode & 0o444, 0o444, name);
    assert.equal(mode & 0o111, owner & 0o100 ? 0o111 : owner & 0o011, name);
    assert.equal(mode & 0o222, owner & 0o222, name);
  }
});

Deno.test("a ready-made zip with files that Lambda's user cannot read is rejected with a hint", async () => {
  const data = (mode: number, name = "data.txt") => ({ name, bytes: bytesOf("x"), mode });
  const hint = "run `chmod -R a+rX` on the folder and zip it again, or pass the folder";
  assert.deepEqual(await failureOf(check([script, data(0o600)])), [
    "f.zip: data.txt has mode 0600, so Lambda's user cannot read it",
    hint,
  ]);
  assert.deepEqual(await failureOf(check([script, data(0o640), data(0o600, "more.txt")])), [
    "f.zip: data.txt has mode 0640, so Lambda's user cannot read it; so do 1 more",
    hint,
  ]);
  assert.deepEqual(await failureOf(check([{ ...script, mode: 0o744 }])), [
    "f.zip: hello.sh has mode 0744, so Lambda's user cannot execute it",
    hint,
  ]);
  await check([script, data(0o444), data(0o604, "odd.txt")]);
  // A directory, a link, and a member of an archive without modes.
  const member = (name: string, mode: number | undefined) => ({
    ...{ name, mode, bytes: 0 },
    read: () => new Uint8Array(),
  });
  assert.throws(() => checkModes([member("lib/", 0o040700)], "f.zip"), /lib\/ has mode 0700/);
  checkModes([member("lib/", 0o040755), member("link", 0o120700), member("dos", undefined)], "f");
});

Deno.test("handler and bootstrap must be built for the function's architecture", async () => {
  const program = (machine: number) => [{ name: "run", bytes: elf(machine), mode: 0o755 }];
  await check(program(62), "run", "x86_64");
  await check(program(183), "run", "arm64");
  assert.deepEqual(await failureOf(check(program(183), "run", "x86_64")), [
    "run in f.zip is built for arm64, and the function for x86_64",
    "add -arch arm64, or build the program for x86_64",
  ]);
  const [riscv] = await failureOf(check(program(243), "run"));
  assert.match(riscv, /built for another architecture \(ELF machine 243\), and the function/);
  const mac = { name: "run", bytes: new Uint8Array(64), mode: 0o755 };
  mac.bytes.set([0xcf, 0xfa, 0xed, 0xfe]);
  assert.deepEqual(await failureOf(check([mac], "run")), [
    "run in f.zip is built for macOS, and the function for x86_64",
    "build the program for Linux on x86_64",
  ]);
  const own = [script, { name: "bootstrap", bytes: elf(183), mode: 0o755 }];
  const [bootstrap] = await failureOf(check(own));
  assert.match(bootstrap, /^bootstrap in f\.zip is built for arm64/);
});

Deno.test("more than 250 MB unpacked is rejected, from a zip or a folder", async () => {
  await using directory = new TemporaryDirectory();
  const zip = zipOf([script]);
  const view = new DataView(zip.buffer, zip.byteOffset, zip.length);
  // The central directory contains the size of each file.
  const list = view.getUint32(zip.length - 6, true);
  view.setUint32(list + 24, 250 * 1024 * 1024 + 1, true);
  const big = { ...await readPackage(await directory.write("f.zip", zip), "f"), from: "f.zip" };
  assert.throws(() => checkPackage(big, "hello.sh", "x86_64"), {
    message: "f.zip exceeds Lambda's limit of 250 MB unpacked",
  });
  const path = await directory.write("f/hello.sh", "x");
  await Deno.truncate(path, 250 * 1024 * 1024 + 1);
  const [folder, hint] = await failureOf(readPackage(directory.join("f"), "f"));
  assert.match(folder, /limit of 250 MB unpacked/);
  assert.match(hint, /-build DIR/);
});

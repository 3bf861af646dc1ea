import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { dockerLogin } from "../../lib/image/docker_login.ts";
import { LayerNote } from "../../lib/image/known_layers.ts";
import { repositoryOf } from "../../lib/image/repository.ts";
import { TemporaryDirectory } from "../helpers.ts";

const basic = btoa("user:pass:word");

Deno.test("a login is found under the registry's host, by either spelling", async () => {
  await using home = new TemporaryDirectory();
  await home.write(
    ".docker/config.json",
    JSON.stringify({
      auths: {
        "a.example.com": { auth: basic },
        "https://b.example.com": { auth: basic },
        "empty.example.com": {},
        "no-colon.example.com": { auth: btoa("user") },
      },
      HttpHeaders: {},
    }),
  );
  const environment = { HOME: home.path };
  const login = { user: "user", password: "pass:word" };
  assert.deepEqual(await dockerLogin("a.example.com", environment), login);
  assert.deepEqual(await dockerLogin("b.example.com", environment), login);
  for (const host of ["empty.example.com", "no-colon.example.com", "a.example.com:5000", "x"]) {
    assert.equal(await dockerLogin(host, environment), undefined, host);
  }
  assert.equal(await dockerLogin("a.example.com", {}), undefined);
  assert.equal(await dockerLogin("a.example.com", { HOME: home.join("none") }), undefined);
});

Deno.test("a credential helper is asked by the host, and its output stays out of errors", async () => {
  await using place = new TemporaryDirectory();
  await place.write(
    "bin/docker-credential-test",
    '#!/bin/sh\nread host\n[ "$1" = get ] || exit 2\n' +
      'case $host in\n  good) echo \'{"ServerURL": "good", "Username": "u", "Secret": "s"}\';;\n' +
      "  none) echo credentials not found in native keychain; exit 1;;\n" +
      '  *) echo "SECRET-OUTPUT"; exit 1;;\nesac\n',
    0o755,
  );
  await place.write(
    "config.json",
    JSON.stringify({ credsStore: "test", credHelpers: { other: "missing" } }),
  );
  const environment = { DOCKER_CONFIG: place.path, PATH: `${place.join("bin")}:/usr/bin:/bin` };
  // Deno looks programs up on its own PATH.
  const before = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", `${place.join("bin")}:${before}`);
  try {
    assert.deepEqual(await dockerLogin("good", environment), { user: "u", password: "s" });
    assert.equal(await dockerLogin("none", environment), undefined);
    await assert.rejects(dockerLogin("bad", environment), (error) => {
      assert(error instanceof LlamaError);
      assert.equal(error.message, "docker-credential-test gave no login for bad");
      assert(!Deno.inspect(error).includes("SECRET-OUTPUT"));
      return true;
    });
    await assert.rejects(
      dockerLogin("other", environment),
      /docker-credential-missing gave no login/,
    );
  } finally {
    Deno.env.set("PATH", before);
  }
});

Deno.test("a file of logins that makes no sense is named", async () => {
  await using place = new TemporaryDirectory();
  const environment = { DOCKER_CONFIG: place.path };
  for (const text of ["{", "[]", '{"auths": 1}']) {
    await place.write("config.json", text);
    await assert.rejects(
      dockerLogin("a", environment),
      /logins in .*config\.json cannot be understood/,
    );
  }
});

const [first, second] = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`);

Deno.test("the note of layers outlives a process, and is believed only if no other can write it", async () => {
  assert(first && second);
  await using place = new TemporaryDirectory();
  const environment = { LLAMA_DIR: place.join("own") };
  const note = new LayerNote(environment);
  assert.equal(note.get(first), undefined);
  note.set(first, { digest: second, size: 5 });
  await note.save();
  assert.deepEqual(new LayerNote(environment).get(first), { digest: second, size: 5 });
  const path = place.join("own/layers");
  assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  await Deno.chmod(path, 0o622);
  assert.equal(new LayerNote(environment).get(first), undefined);
  await Deno.chmod(path, 0o600);
  const text = await Deno.readTextFile(path);
  for (
    const damaged of [text.replace("llama", "other"), text.replace("sha256:bb", "sha256:zz"), ""]
  ) {
    await Deno.writeTextFile(path, damaged);
    assert.equal(new LayerNote(environment).get(first), undefined);
  }
});

Deno.test("two processes add to the note, which stays bounded", async () => {
  await using place = new TemporaryDirectory();
  const environment = { LLAMA_DIR: place.path };
  const id = (index: number) => `sha256:${String(index).padStart(64, "0")}`;
  const [one, two] = [new LayerNote(environment), new LayerNote(environment)];
  one.set(id(1), { digest: id(2), size: 1 });
  await one.save();
  for (let index = 0; index < 999; index++) two.set(id(index + 10), { digest: id(3), size: 1 });
  await two.save();
  const all = new LayerNote(environment);
  assert.deepEqual([all.get(id(1))?.size, all.get(id(1008))?.size], [1, 1]);
  const three = new LayerNote(environment);
  three.set(id(5000), { digest: id(3), size: 1 });
  await three.save();
  const last = new LayerNote(environment);
  assert.deepEqual([last.get(id(1)), last.get(id(5000))?.size], [undefined, 1]);
});

Deno.test("-registry names a host, or a host and a repository", () => {
  const own = "1.dkr.ecr.us-west-2.amazonaws.com/llama";
  assert.deepEqual(repositoryOf(own, undefined), {
    host: "1.dkr.ecr.us-west-2.amazonaws.com",
    name: "llama",
  });
  assert.deepEqual(repositoryOf(own, "h:5000"), { host: "h:5000", name: "llama" });
  assert.deepEqual(repositoryOf(undefined, "h"), { host: "h", name: "llama" });
  assert.deepEqual(repositoryOf(own, "h/a/b-c"), { host: "h", name: "a/b-c" });
  assert.deepEqual(repositoryOf(own, "[::1]:5000/x"), { host: "[::1]:5000", name: "x" });
  for (const named of ["https://h/x", "h/X", "h/x:tag", "h/", "/x", "h//x/", "u@h/x"]) {
    assert.throws(() => repositoryOf(own, named), /is not a repository of a registry/, named);
  }
  assert.throws(() => repositoryOf(undefined, undefined), /no repository to push the image to/);
});

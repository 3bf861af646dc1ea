import assert from "node:assert/strict";
import { Dpkg } from "../../lib/image/packages/dpkg.ts";
import { TemporaryDirectory } from "../helpers.ts";

/** A package of a made-up system. */
interface Fixture {
  readonly version?: string;
  readonly files?: readonly string[];
  readonly fields?: Readonly<Record<string, string>>;
  readonly status?: string;
}

/** What dpkg would keep of these packages. */
async function system(packages: Readonly<Record<string, Fixture>>): Promise<TemporaryDirectory> {
  const directory = new TemporaryDirectory();
  let status = "";
  for (const [name, fixture] of Object.entries(packages)) {
    const { version = "1", files = [], fields = {}, status: state = "installed" } = fixture;
    status += [
      `Package: ${name}`,
      `Status: install ok ${state}`,
      "Architecture: all",
      `Version: ${version}`,
      "Maintainer: A <a@example.com>",
      "Description: d",
      ...Object.entries(fields).map(([field, value]) => `${field}: ${value}`),
      "\n",
    ].join("\n");
    await directory.write(`info/${name}.list`, ["/.", ...files, ""].join("\n"));
  }
  await directory.write("status", status);
  await directory.write("available", "");
  return directory;
}

function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name, ignore: !Dpkg.isHere(), fn: body });
}

const reasons = (...names: string[]) => new Map(names.map((name) => [name, "asked for"]));

test("owners are found under both spellings of a merged /usr, and odd names are no patterns", async () => {
  await using directory = await system({
    shell: { files: ["/bin", "/bin/sh", "/usr/bin/[", "/usr/bin/a*b"] },
    other: { files: ["/usr/bin/aXb"] },
  });
  const owners = await new Dpkg(directory.path).ownersOf([
    ...["/usr/bin/sh", "/usr/bin/[", "/usr/bin/a*b", "/usr/bin/none"],
  ]);
  assert.deepEqual(
    Object.fromEntries(owners),
    { "/usr/bin/sh": "shell", "/usr/bin/[": "shell", "/usr/bin/a*b": "shell" },
  );
});

test("what packages depend on goes along, by the alternative that is installed", async () => {
  await using directory = await system({
    tool: {
      version: "2",
      fields: { Depends: "lib (>= 1), absent | present:any, virtual", "Pre-Depends": "base" },
    },
    lib: { fields: { Depends: "tool", Recommends: "data" } },
    present: {},
    provider: { fields: { Provides: "virtual (= 3)" } },
    base: {},
    data: {},
    gone: { status: "config-files" },
  });
  const found = await new Dpkg(directory.path).closureOf(reasons("tool", "gone"));
  assert.deepEqual([...found.keys()].sort(), ["base", "lib", "present", "provider", "tool"]);
  assert.deepEqual(found.get("tool"), { name: "tool", version: "2", reason: "asked for" });
  assert.equal(found.get("lib")?.reason, "tool needs it");
});

test("recommendations count for what was asked for, and elsewhere for data that programs expect", async () => {
  await using directory = await system({
    tool: { fields: { Depends: "lib", Recommends: "plugins, absent" } },
    lib: { fields: { Recommends: "ca-certificates, desktop" } },
    plugins: { fields: { Recommends: "more" } },
    "ca-certificates": { fields: { Depends: "openssl, debconf" } },
    ...{ openssl: {}, desktop: {}, more: {}, debconf: {} },
  });
  const found = await new Dpkg(directory.path).closureOf(reasons("tool"));
  assert.deepEqual(
    [...found.keys()].sort(),
    ["ca-certificates", "lib", "openssl", "plugins", "tool"],
  );
});

test("packages for upkeep stay here unless a program is theirs", async () => {
  await using directory = await system({
    tool: { fields: { Depends: "dpkg, perl-base, scripts" } },
    scripts: { fields: { Depends: "perl" } },
    perl: { fields: { Depends: "perl-base" } },
    ...{ dpkg: {}, "perl-base": {} },
  });
  const dpkg = new Dpkg(directory.path);
  assert.deepEqual([...(await dpkg.closureOf(reasons("tool"))).keys()].sort(), [
    ...["perl", "perl-base", "scripts", "tool"],
  ]);
  assert.deepEqual([...(await dpkg.closureOf(reasons("dpkg"))).keys()], ["dpkg"]);
});

test("the files of packages are listed where diversions have put them", async () => {
  await using directory = await system({
    dash: { files: ["/bin", "/bin/sh", "/usr/share/doc/dash"] },
    bash: { files: ["/bin/bash"] },
  });
  await directory.write("diversions", "/bin/sh\n/bin/sh.distrib\nbash\n");
  const files = await new Dpkg(directory.path).filesOf(["dash", "bash"]);
  assert.deepEqual(files.get("dash"), [
    "/bin",
    "/bin/sh",
    "/bin/sh.distrib",
    "/usr/share/doc/dash",
  ]);
  assert.deepEqual(files.get("bash"), ["/bin/bash"]);
});

test("a database that cannot be read is an error with dpkg's own words", async () => {
  await using directory = await system({});
  await Deno.writeTextFile(directory.join("status"), "Package: x\nnonsense\n");
  await assert.rejects(
    new Dpkg(directory.path).closureOf(reasons("x")),
    /^LlamaError: dpkg-query --show failed: /,
  );
});

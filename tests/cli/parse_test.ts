import assert from "node:assert/strict";
import { namesOf, parseFlags } from "../../lib/cli/flags.ts";
import { completionCommand } from "../../lib/commands/spec/completion.ts";
import { loaded, runnable, type RunnableCommand } from "../../lib/cli/command.ts";
import { commandHelp, helpText } from "../../lib/cli/help.ts";
import {
  type CommandLine,
  hintOf,
  parseCommandLine,
  type UsageFailure,
} from "../../lib/cli/parse.ts";
import {
  type FileMapping,
  parseFileMapping,
  parseInputMapping,
} from "../../lib/commands/spec/shared.ts";
import { globalFlags, parseFunctionCommand, program } from "../../lib/commands/spec/global.ts";
import { invokeCommand, invokeFlags } from "../../lib/commands/spec/invoke.ts";
import { localCommand, parseListenAddress } from "../../lib/commands/spec/local.ts";
import { xargsCommand, xargsFlags } from "../../lib/commands/spec/xargs.ts";
import * as z from "../../lib/zod.ts";

const definitions = [invokeCommand, xargsCommand, localCommand];
const commands = definitions.map((command) => loaded<typeof definitions[number]>(command));

async function parse(
  ...argv: string[]
): Promise<CommandLine<typeof definitions[number], typeof globalFlags>> {
  return await parseCommandLine(argv, commands, program);
}

async function usageFailure(...argv: string[]): Promise<UsageFailure> {
  const line = await parse(...argv);
  assert.ok(line.kind === "usage", `${argv.join(" ")}: ${line.kind}`);
  assert.equal(line.exitCode, 2);
  return line;
}

/** Both lines that a usage error prints. */
async function complaint(...argv: string[]): Promise<[string, string]> {
  const { message, hint } = await usageFailure(...argv);
  assert.ok(!/\n/.test(message + hint));
  return [message, hint];
}

const Corpus = z.array(z.object({
  id: z.string(),
  argv: z.array(z.string()),
  expect: z.object({
    exit: z.optional(z.number()),
    global: z.optional(z.record(z.string(), z.unknown())),
    subcommand: z.optional(z.string()),
    flags: z.optional(z.record(z.string(), z.unknown())),
    args: z.optional(z.array(z.string())),
    error: z.optional(z.string()),
  }),
}));

const corpus = Corpus.parse(
  JSON.parse(
    Deno.readTextFileSync(new URL("../testdata/go-flag.json", import.meta.url)),
  ),
);

/** Cases in which llama differs on purpose, with its message; none if the command line is valid. */
const DIFFERENT = new Map<string, string | undefined>([
  // The first line is from the usage text of help, which is worded differently.
  ["flag-077", "unknown command: nope"],
  ["flag-078", "help takes at most one command"],
  // `llama help` and `llama help CMD` show the flags.
  ["flag-079", "unknown command: flags"],
  ["flag-080", "unknown command: flags"],
  ["flag-081", "unknown command: flags"],
  // Profiling flags.
  ["flag-082", "flag provided but not defined: -cpu-profile"],
  // Not one of the commands that are tested here.
  ["flag-085", "unknown command: config"],
  ["flag-086", "unknown command: config"],
  // The first versions had no -time.
  ["flag-095", undefined],
]);

/** Cases whose flags are parsed as in Go, but that llama then refuses on purpose. */
const REFUSED = new Map([
  ["flag-019", "-j must be at least 1: current value is -5"],
  ["flag-020", "-j must be at least 1: current value is -5"],
  ["flag-040", '-file: empty remote path: "a:"'],
  ["flag-047", "-file: empty path"],
  ["flag-048", "no function name"],
  ["flag-061", "no function name"],
  ["flag-091", "-file: empty path"],
  ["flag-093", "no function name"],
]);

const PROFILING = ["cpu-profile", "mem-profile"];

/** A flag whose default differs from the original's 8. */
const OWN_DEFAULT = "s3-concurrency";

function shown(values: Record<string, unknown>): Record<string, unknown> {
  const mappings = (list: readonly FileMapping[]) =>
    list.map(({ local, remote }) => `${local} => ${remote}`);
  const isMappings = (value: unknown): value is readonly FileMapping[] => Array.isArray(value);
  return Object.fromEntries(
    Object.entries(values).map((
      [name, value],
    ) => [name, isMappings(value) ? mappings(value) : value]),
  );
}

function only(values: Record<string, unknown>, names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

for (const { id, argv, expect } of corpus) {
  const line = argv.map((arg) => arg === "" ? "''" : arg).join(" ");
  if (DIFFERENT.has(id)) {
    Deno.test(`corpus ${id}: llama ${line} differs on purpose`, async () => {
      const whole = await parse(...argv);
      assert.equal(
        whole.kind === "usage" ? whole.message : whole.kind,
        DIFFERENT.get(id) ?? "command",
      );
    });
  } else if (expect.exit === undefined) {
    Deno.test({
      name: `corpus ${id}: the flags of llama ${line} are read as Go reads them`,
      async fn() {
        const before = parseFlags(globalFlags, argv);
        const names = Object.keys(expect.global ?? {}).filter((name) =>
          !PROFILING.includes(name) && (name !== OWN_DEFAULT || argv.includes(`-${name}`))
        );
        assert.deepEqual(only(before.values, names), only(expect.global ?? {}, names));
        const [name, ...rest] = before.rest;
        assert.equal(name, expect.subcommand);
        const after = parseFlags(name === "xargs" ? xargsFlags : invokeFlags, rest);
        const flags = shown(after.values);
        assert.deepEqual(only(flags, Object.keys(expect.flags ?? {})), expect.flags);
        assert.deepEqual(after.rest, expect.args ?? []);

        const whole = await parse(...argv);
        const refusal = REFUSED.get(id);
        if (refusal !== undefined) {
          assert.ok(whole.kind === "usage");
          assert.equal(whole.message, refusal);
        } else {
          assert.ok(whole.kind === "command");
          assert.equal(whole.command.name, name);
          assert.deepEqual(whole.global, before.values);
          assert.deepEqual(whole.values, after.values);
          assert.deepEqual(whole.args, after.rest);
        }
      },
    });
  } else {
    Deno.test({
      name: `corpus ${id}: llama ${line} exits with ${expect.exit}`,
      async fn() {
        const whole = await parse(...argv);
        assert.ok(whole.kind === "usage" || whole.kind === "help");
        assert.equal(whole.exitCode, expect.exit);
        if (expect.error === undefined) return;
        assert.ok(whole.kind === "usage");
        assert.equal(whole.message, expect.error);
        assert.notEqual(whole.hint, "");
      },
    });
  }
}

Deno.test("a command's definition and implementation are checked against each other's types", async () => {
  interface Context {
    seen: string[];
  }
  const list: RunnableCommand<Context>[] = [
    runnable(xargsCommand, (values, args, context: Context) => {
      context.seen.push(`${values.j} ${values["0"]} ${args.join(" ")}`);
      return Promise.resolve(3);
    }),
    runnable(invokeCommand, (values, _args, context: Context) => {
      context.seen.push(values.output.map(({ remote }) => remote).join(" "));
      return Promise.resolve(4);
    }),
  ];
  const context: Context = { seen: [] };
  const statuses: number[] = [];
  for (const argv of [["xargs", "-0", "-j", "7", "fn", "a"], ["invoke", "-o", "x:y", "fn"]]) {
    const line = await parseCommandLine(argv, list.map(loaded), program);
    assert.ok(line.kind === "command");
    statuses.push(await line.command.run(line.values, line.args, context));
  }
  assert.deepEqual(statuses, [3, 4]);
  assert.deepEqual(context.seen, ["7 true fn a", "y"]);
});

Deno.test("a misspelled flag or command is answered with the nearest one", async () => {
  const see = "see llama help xargs";
  assert.deepEqual(await complaint("xargs", "-log", "fn"), [
    "flag provided but not defined: -log",
    `did you mean -logs? ${see}`,
  ]);
  assert.equal((await usageFailure("xargs", "-lgos=1", "fn")).hint, `did you mean -logs? ${see}`);
  assert.equal((await usageFailure("xargs", "-J", "5", "fn")).hint, `did you mean -j? ${see}`);
  assert.equal((await usageFailure("xargs", "---j", "5", "fn")).hint, `did you mean -j? ${see}`);
  assert.equal(
    (await usageFailure("-regoin", "x", "xargs")).hint,
    "did you mean -region? see llama help",
  );
  assert.deepEqual(await complaint("xarg", "fn"), [
    "unknown command: xarg",
    "did you mean xargs? see llama help",
  ]);
  assert.deepEqual(await complaint("help", "xarg"), [
    "unknown command: xarg",
    "did you mean xargs? see llama help",
  ]);
});

Deno.test("without a similar flag or command, the hint lists all", async () => {
  assert.deepEqual(await complaint("nope"), [
    "unknown command: nope",
    "commands are invoke, xargs, local, help, version; see llama help",
  ]);
  assert.equal((await usageFailure("")).message, 'unknown command: ""');
  assert.equal((await usageFailure("a\nb")).message, 'unknown command: "a\\nb"');
  assert.equal(
    (await usageFailure("xargs", "-nope", "fn")).hint,
    `flags are ${
      [...namesOf(xargsFlags).keys()].map((name) => `-${name}`).join(", ")
    }; see llama help xargs`,
  );
});

Deno.test("the hint separates a flag that is joined with its value", async () => {
  assert.equal((await usageFailure("xargs", "-j5", "fn")).hint, "write -j 5; see llama help xargs");
  assert.equal(
    (await usageFailure("invoke", "-fa.txt", "fn")).hint,
    "write -f a.txt; see llama help invoke",
  );
  for (
    const [written, ours] of [
      ["-P", "-j"],
      ["-P5", "-j 5"],
      ["--jobs=4", "-j"],
      ["--max-procs", "-j"],
      ["-L1", "-n 1"],
      ["-N2", "-n 2"],
      ["--max-args=2", "-n"],
      ["--arg-file=list", "-a"],
      ["--null", "-0"],
      ["--keep-order", "-k"],
      ["--retry-failed", "-resume-failed"],
      ["--bar", "-progress bar"],
      ["--line-buffer", "-print line"],
      ["--linebuffer", "-print line"],
      ["-l1", "-n 1"],
    ] as const
  ) {
    const hint = await hintOf(await usageFailure("xargs", written, "fn"));
    assert.equal(hint, `did you mean ${ours}? see llama help xargs`, written);
  }
  assert.equal(
    (await usageFailure("xargs", "-fil", "fn")).hint,
    "did you mean -file? see llama help xargs",
  );
});

Deno.test("flags of xargs and parallel that llama does not need have a hint, too", async () => {
  const hint = async (...argv: string[]) =>
    await hintOf(await usageFailure("xargs", ...argv, "fn"));
  assert.match(await hint("-region", "x"), /^-region goes before the command/);
  const see = "; see llama help xargs";
  assert.equal(await hint("-I", "{}"), `write {{.Line}} where the line belongs${see}`);
  assert.equal(await hint("-I{}"), `write {{.Line}} where the line belongs${see}`);
  assert.equal(await hint("-i%"), `write {{.Line}} where the line belongs${see}`);
  assert.equal(await hint("--replace=@"), `write {{.Line}} where the line belongs${see}`);
  assert.equal(await hint("-r"), `an empty input runs no jobs${see}`);
  assert.equal(await hint("-t"), `-dry-run prints the commands${see}`);
  assert.equal(await hint("-o", "x"), `write {{.O PATH}} in an argument to fetch a file${see}`);
  assert.match(
    await hintOf(await usageFailure("invoke", "-i", "fn")),
    /^did you mean -invoke-retries/,
  );
});

Deno.test("-version prints the version, like llama version", async () => {
  for (const flag of ["-version", "--version"]) {
    assert.deepEqual(await parse(flag), { kind: "version" });
    assert.deepEqual(await parse("-local", flag), { kind: "version" });
  }
  assert.equal((await usageFailure("-V")).hint, "did you mean -version? see llama help");
});

Deno.test("a flag on the wrong side of the command gets a hint to move it", async () => {
  assert.deepEqual(await complaint("-logs", "xargs", "fn"), [
    "flag provided but not defined: -logs",
    "-logs goes after the command: llama xargs -logs ...; see llama help",
  ]);
  assert.equal(
    (await usageFailure("-j", "5")).hint,
    "-j goes after the command: llama xargs -j ...; see llama help",
  );
  assert.deepEqual(await complaint("xargs", "-region", "x", "fn"), [
    "flag provided but not defined: -region",
    "-region goes before the command: llama -region REGION xargs ...; see llama help xargs",
  ]);
  assert.equal(
    (await usageFailure("invoke", "-local", "fn")).hint,
    "-local goes before the command: llama -local invoke ...; see llama help invoke",
  );
});

Deno.test("the hint for a missing or invalid value shows a valid one", async () => {
  assert.deepEqual(await complaint("-region"), [
    "flag needs an argument: -region",
    "write -region REGION; see llama help",
  ]);
  assert.equal(
    (await usageFailure("xargs", "-f")).hint,
    "write -f LOCAL[:REMOTE]; see llama help xargs",
  );
  assert.equal(
    (await usageFailure("xargs", "-logs=yes", "fn")).hint,
    "write -logs or -logs=false; see llama help xargs",
  );
  assert.equal(
    (await usageFailure("xargs", "-j", "1.5", "fn")).hint,
    "write a whole number; see llama help xargs",
  );
  assert.deepEqual(await complaint("invoke", "-o", "/abs", "fn"), [
    'invalid value "/abs" for flag -o: -file: cannot expose file at absolute path: "/abs"',
    "write LOCAL:REMOTE, with REMOTE a path in the job's directory; see llama help invoke",
  ]);
});

Deno.test("errors in a command's flags are reported before the global flags are validated", async () => {
  const [message] = await complaint("-s3-concurrency", "0", "xargs", "-J", "fn");
  assert.equal(message, "flag provided but not defined: -J");
});

Deno.test("a concurrency below 1 is a usage error", async () => {
  for (const j of ["0", "-1", "-5"]) {
    assert.deepEqual(await complaint("xargs", "-j", j, "fn"), [
      `-j must be at least 1: current value is ${j}`,
      "write -j 1 for one at a time; see llama help xargs",
    ]);
  }
  assert.equal(
    (await usageFailure("-s3-concurrency", "0", "xargs", "fn")).message,
    "-s3-concurrency must be at least 1: current value is 0",
  );
  assert.equal(
    (await usageFailure("local", "-concurrency=0")).message,
    "-concurrency must be at least 1: current value is 0",
  );
});

Deno.test("a missing function name is a usage error", async () => {
  assert.deepEqual(await complaint("xargs", "-logs"), [
    "no function name",
    "usage: llama xargs [FLAGS] FUNCTION ARGS... < LINES; see llama help xargs",
  ]);
  assert.equal((await usageFailure("invoke", "")).message, "no function name");
  assert.equal((await usageFailure("invoke", "--")).message, "no function name");
});

Deno.test("remote paths that are empty or leave the job's directory are usage errors", async () => {
  assert.equal(
    (await usageFailure("xargs", "-f", "a:", "fn")).message,
    '-file: empty remote path: "a:"',
  );
  assert.equal(
    (await usageFailure("invoke", "-o", "a:", "fn")).message,
    '-output: empty remote path: "a:"',
  );
  assert.equal((await usageFailure("invoke", "-o=", "fn")).message, "-output: empty path");
  for (const remote of ["..", "../x", "a/../../x", "..", "../"]) {
    assert.equal(
      (await usageFailure("invoke", "-f", "ok", "-f", `a:${remote}`, "fn")).message,
      `-file: remote path outside the job's directory: "${remote}"`,
    );
  }
  assert.equal(
    (await usageFailure("invoke", "-o", "../x", "fn")).message,
    '-output: remote path outside the job\'s directory: "../x"',
  );
  assert.deepEqual(await complaint("invoke", "-o", "here/:there", "fn"), [
    '-output: "here/" is a directory, but "there" is a file',
    "write -output here/:there/ to fetch everything below it; see llama help invoke",
  ]);
  for (const path of ["../x:x", "a:..b", "a:b/../c", "a:...", "out/", "out:d/", "a:b:c"]) {
    assert.equal((await parse("invoke", "-f", path, "-o", path, "fn")).kind, "command", path);
  }
});

Deno.test("a colon in a file's name is escaped, or the file exists", () => {
  assert.deepEqual(parseFileMapping("12\\:30.log:log"), { local: "12:30.log", remote: "log" });
  assert.deepEqual(parseFileMapping("a\\:b"), { local: "a:b", remote: "a:b" });
  assert.deepEqual(parseFileMapping("a:b\\:c"), { local: "a", remote: "b:c" });
  assert.deepEqual(parseFileMapping("\\:a:b"), { local: ":a", remote: "b" });
  const exists = (path: string) => path === "12:30.log";
  assert.deepEqual(parseInputMapping("12:30.log", exists), {
    local: "12:30.log",
    remote: "12:30.log",
  });
  assert.deepEqual(parseInputMapping("12:30", exists), { local: "12", remote: "30" });
});

Deno.test("parseFileMapping splits at the first colon unless the text begins with it", () => {
  const cases: [string, string, string][] = [
    ["a", "a", "a"],
    ["a:b", "a", "b"],
    ["a:b:c", "a", "b:c"],
    [":x", ":x", ":x"],
    [":x:y", ":x:y", ":x:y"],
    ["a:", "a", ""],
    ["/abs:rel", "/abs", "rel"],
  ];
  for (const [text, local, remote] of cases) {
    assert.deepEqual(parseFileMapping(text), { local, remote });
  }
  assert.throws(() => parseFileMapping("rel:/abs"), {
    message: '-file: cannot expose file at absolute path: "/abs"',
  });
});

Deno.test("parseFunctionCommand accepts names that are valid in Lambda, and a command", () => {
  assert.deepEqual(parseFunctionCommand("upper=tr a-z A-Z"), {
    name: "upper",
    command: "tr a-z A-Z",
  });
  assert.deepEqual(parseFunctionCommand("a_B-1=env X=1 sh"), {
    name: "a_B-1",
    command: "env X=1 sh",
  });
  assert.equal(parseFunctionCommand(`${"n".repeat(64)}=x`).name.length, 64);
  const refused: [string, string][] = [
    ["upper", 'no "=" between name and command'],
    ["", 'no "=" between name and command'],
    ["=tr", '"" is not a function name'],
    ["a b=tr", '"a b" is not a function name'],
    ["a\n=tr", '"a\\n" is not a function name'],
    [`${"n".repeat(65)}=x`, `"${"n".repeat(65)}" is not a function name`],
    ["upper=", "no command"],
    ["upper= ", "no command"],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => parseFunctionCommand(text), { name: "FlagValueError", message });
  }
});

Deno.test("-function may be repeated, and its errors have Go's wording", async () => {
  const line = await parse("-function", "a=x", "-function=b=y z", "invoke", "a");
  assert.ok(line.kind === "command");
  assert.deepEqual(line.global.function, [
    { name: "a", command: "x" },
    { name: "b", command: "y z" },
  ]);
  assert.equal(
    (await usageFailure("-function", "a", "invoke", "a")).message,
    'invalid value "a" for flag -function: no "=" between name and command',
  );
});

Deno.test("parseListenAddress accepts only loopback hosts with a port", () => {
  const taken: [string, string, number][] = [
    ["127.0.0.1:3001", "127.0.0.1", 3001],
    ["127.0.0.1:0", "127.0.0.1", 0],
    ["127.1.2.3:65535", "127.1.2.3", 65535],
    ["localhost:80", "localhost", 80],
    ["[::1]:80", "::1", 80],
  ];
  for (const [text, hostname, port] of taken) {
    assert.deepEqual(parseListenAddress(text), { hostname, port });
  }
  const refused: [string, string][] = [
    ["", "the port is not a number from 0 to 65535"],
    ["127.0.0.1", "the port is not a number from 0 to 65535"],
    ["127.0.0.1:", "the port is not a number from 0 to 65535"],
    ["127.0.0.1:65536", "the port is not a number from 0 to 65535"],
    ["127.0.0.1:-1", "the port is not a number from 0 to 65535"],
    ["127.0.0.1:http", "the port is not a number from 0 to 65535"],
    [":3001", '"" is not a loopback host'],
    ["3001", "the port is not a number from 0 to 65535"],
    ["0.0.0.0:3001", '"0.0.0.0" is not a loopback host'],
    ["127.0.0.256:3001", '"127.0.0.256" is not a loopback host'],
    ["127.0.0.1.example.com:3001", '"127.0.0.1.example.com" is not a loopback host'],
    ["::1:3001", '"::1" is not a loopback host'],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => parseListenAddress(text), { name: "FlagValueError", message }, text);
  }
});

Deno.test("local has defaults and takes no arguments", async () => {
  const line = await parse("local");
  assert.ok(line.kind === "command");
  assert.deepEqual(line.values, {
    listen: { hostname: "127.0.0.1", port: 3001 },
    concurrency: undefined,
  });
  assert.equal((await usageFailure("local", "x")).message, 'local takes no arguments: "x"');
});

Deno.test("requested help goes to stdout, help after an error to stderr", async () => {
  const all = undefined;
  const cases: [string[], string | undefined, "stdout" | "stderr", 0 | 2][] = [
    [["help"], all, "stdout", 0],
    [["-h"], all, "stdout", 0],
    [["--help", "xargs"], all, "stdout", 0],
    [["help", "xargs"], "xargs", "stdout", 0],
    [["xargs", "-h"], "xargs", "stderr", 2],
    [["xargs", "-logs", "-help", "fn"], "xargs", "stderr", 2],
    [[], all, "stderr", 2],
    [["-region", "x"], all, "stderr", 2],
  ];
  for (const [argv, topic, stream, exitCode] of cases) {
    const line = await parse(...argv);
    assert.ok(line.kind === "help");
    assert.deepEqual([line.topic?.name, line.stream, line.exitCode], [topic, stream, exitCode]);
  }
});

Deno.test("-h after the function name is passed to the function", async () => {
  const line = await parse("xargs", "fn", "-h");
  assert.ok(line.kind === "command");
  assert.deepEqual(line.args, ["fn", "-h"]);
});

Deno.test("help and version have help, and refuse extra arguments", async () => {
  assert.deepEqual(await parse("version"), { kind: "version" });
  assert.deepEqual(await parse("-region", "x", "version"), { kind: "version" });
  assert.deepEqual(await complaint("version", "1"), [
    "version takes no arguments",
    "usage: llama version; see llama help version",
  ]);
  assert.equal((await usageFailure("help", "a", "b")).message, "help takes at most one command");
  for (const topic of ["help", "version"]) {
    const line = await parse("help", topic);
    assert.ok(line.kind === "help" && line.topic !== undefined);
    assert.match(await commandHelp(line.topic), new RegExp(`^Usage: llama ${topic}`));
  }
});

Deno.test("help texts fit in 80 columns and end with one newline", async () => {
  for (
    const text of [
      helpText(commands, program),
      ...await Promise.all([...definitions, completionCommand].map(commandHelp)),
    ]
  ) {
    for (const line of text.split("\n")) {
      assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
      assert.equal(line, line.trimEnd());
    }
    assert.match(text, /[^\n]\n$/);
  }
});

Deno.test("help names every command, flag, default, exit status and variable", async () => {
  const all = helpText(commands, program);
  for (const { name, summary } of commands) {
    assert.match(all, new RegExp(`^  ${name} +${summary}$`, "m"));
  }
  for (const name of Object.keys(globalFlags)) assert.match(all, new RegExp(`^  -${name} `, "m"));
  assert.match(all, /-s3-concurrency N .*\(default 32\)/);
  for (const status of ["0", "1", "2", "125", "130, 143", "141"]) {
    assert.match(all, new RegExp(`^  ${status} `, "m"));
  }
  for (const variable of ["OBJECT_STORE", "LOCAL", "FUNCTIONS"]) {
    assert.match(all, new RegExp(`^  LLAMA_${variable} `, "m"));
  }
  const xargs = await commandHelp(xargsCommand);
  assert.match(xargs, /^Usage: llama xargs \[FLAGS\] FUNCTION ARGS\.\.\. < LINES\n/);
  assert.match(xargs, /^ {2}-j N .*\(default 100\)$/m);
  assert.match(xargs, /^ {2}-f, -file LOCAL\[:REMOTE\] /m);
  assert.match(xargs, /^ {2}1\. +optimize/m);
});

Deno.test("the examples in help texts are valid command lines", async () => {
  for (const each of definitions) {
    for (const { command } of await each.examples?.() ?? []) {
      const [, line = ""] = /\bllama (.*)$/s.exec(command.replace(/ (<|2>|\| jq) .*$/, "")) ?? [];
      // The shell syntax that the examples use: quotes and line continuations.
      const words = line.replaceAll("\\\n", "").match(/(?:'[^']*'|[^\s'])+/g) ?? [];
      const argv = words.map((word) => word.replaceAll("'", ""));
      assert.equal((await parse(...argv)).kind, "command", command);
    }
  }
});

/**
 * Publishes the runtime as a version of a Lambda layer: `scripts/publish-runtime`.
 *
 * @module
 */

import { findAccount } from "../lib/aws/account.ts";
import { AwsClient } from "../lib/aws/client.ts";
import type { Architecture } from "../lib/functions/architecture.ts";
import { publishRuntime } from "../lib/deploy/runtime_layer.ts";
import { inForce, readSettings } from "../lib/deploy/settings_file.ts";
import { defaultStackName } from "../lib/deploy/stack_template.ts";
import { zipOf } from "../lib/deploy/zip_writer.ts";
import { readEnvironment } from "../lib/environment.ts";
import { LlamaError, messageOf } from "../lib/errors.ts";
import { FlagError, FlagValueError, parseFlags, stringFlag, valueFlag } from "../lib/cli/flags.ts";
import { Interrupted, onInterrupt } from "../lib/terminal/interrupt.ts";
import { upToDate } from "./compile.ts";

const flags = {
  arch: valueFlag<Architecture>({
    help: "architecture of the functions",
    placeholder: "x86_64|arm64",
    default: "x86_64",
  }, (text) => {
    if (text === "x86_64" || text === "arm64") return text;
    throw new FlagValueError("must be x86_64 or arm64");
  }),
  region: stringFlag({ help: "AWS region", placeholder: "REGION" }),
  profile: stringFlag({ help: "profile of the AWS configuration files", placeholder: "NAME" }),
};

const usage = `usage: scripts/publish-runtime [-arch x86_64|arm64] [-region REGION] [-profile NAME]

Compiles the runtime if necessary, publishes it as a version of a Lambda layer, and prints the
version's ARN. Region, store and stack come from the environment (such as LLAMA_OBJECT_STORE) or
from llama's settings. If the store is an S3 bucket, the zip is uploaded through it.
`;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: string[]): Promise<number> {
  const stop = new AbortController();
  using _signals = onInterrupt((interrupted) => stop.abort(interrupted));
  try {
    const { values: { arch, region, profile }, rest } = parseFlags(flags, args);
    if (rest.length > 0) throw new LlamaError("usage", `takes no arguments: ${rest.join(" ")}`);
    console.log(
      await publish(
        arch,
        { region: region || undefined, profile: profile || undefined },
        stop.signal,
      ),
    );
    return 0;
  } catch (error) {
    if (error instanceof FlagError) {
      console.error(error.code === "help" ? usage : `${error.message}\n${usage}`);
      return 2;
    }
    console.error(
      `publish-runtime: ${messageOf(stop.signal.aborted ? stop.signal.reason : error)}`,
    );
    if (error instanceof LlamaError && error.hint) console.error(`hint: ${error.hint}`);
    return stop.signal.reason instanceof Interrupted ? stop.signal.reason.exitCode : 1;
  }
}

async function publish(
  architecture: Architecture,
  account: { region: string | undefined; profile: string | undefined },
  signal: AbortSignal,
): Promise<string> {
  const environment = readEnvironment();
  const settings = inForce(await readSettings(environment), environment);
  const region = account.region ?? settings.region;
  using client = new AwsClient(findAccount(environment, { ...account, region }));
  // Fails before the work if the account or region is missing.
  await client.location();
  const program = await upToDate("bootstrap", `linux-${architecture}`);
  const zip = zipOf([{ name: "bootstrap", bytes: await Deno.readFile(program), mode: 0o755 }]);
  console.error(`publishing ${program}, ${(zip.length / 1e6).toFixed(1)} MB as a zip`);
  const { store: url, stack = defaultStackName } = settings;
  const store = url?.startsWith("s3:") ? { url } : undefined;
  const { arn } = await publishRuntime(client, { zip, architecture, stack, store }, signal);
  return arn;
}

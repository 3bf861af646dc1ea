/**
 * A program that runs the emulator with the real runtime and calls a function, for tests of what
 * is left when it ends. Arguments: how it ends, and the function's argument.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { AwsV4Signer } from "npm:aws4fetch@1.0.20";
import { LocalLambda, runtimeCommand } from "../../lib/local/mod.ts";

const [ending, script = ""] = Deno.args;
const lambda = await LocalLambda.start({
  functions: [{
    name: "f",
    from: "here",
    directory: fileURLToPath(new URL(".", import.meta.url)),
    definition: {
      name: "f",
      command: ["/bin/sh", "-c", script],
      memory: 512,
      timeout: 60,
      environment: {},
    },
  }],
  runtimeCommand: runtimeCommand(),
  environment: Deno.env.toObject(),
});
Deno.addSignalListener("SIGTERM", () => {
  lambda.closeSync();
  Deno.exit(143);
});
const url = `${lambda.endpoint}/2015-03-31/functions/f/invocations`;
const { headers } = await new AwsV4Signer({
  method: "POST",
  url,
  body: "{}",
  service: "lambda",
  region: lambda.region,
  accessKeyId: lambda.credentials.accessKeyId,
  secretAccessKey: lambda.credentials.secretAccessKey,
}).sign();
const response = await fetch(url, { method: "POST", headers, body: "{}" });
console.log(await response.text());
if (ending === "close") await lambda.close();

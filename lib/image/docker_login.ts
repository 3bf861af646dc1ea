/**
 * Logins that docker keeps: `~/.docker/config.json` and the programs that it names.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { join } from "node:path";
import type { Environment } from "../environment.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import * as z from "../zod.ts";
import type { RegistryCredentials } from "./registry.ts";

/** https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties */
const schema = z.object({
  auths: z.optional(z.record(z.string(), z.object({ auth: z.optional(z.string()) }))),
  credsStore: z.optional(z.string()),
  credHelpers: z.optional(z.record(z.string(), z.string())),
});

/**
 * Finds the login that `docker login HOST` has left.
 *
 * @param host The registry, `HOST` or `HOST:PORT`.
 * @param environment Says where docker keeps its settings.
 * @returns The login, undefined if there is none.
 * @throws {LlamaError} `config` if the file cannot be read, or a program that it names fails.
 */
export async function dockerLogin(
  host: string,
  environment: Environment,
): Promise<RegistryCredentials | undefined> {
  const folder = environment["DOCKER_CONFIG"] ||
    (environment["HOME"] ? join(environment["HOME"], ".docker") : undefined);
  if (folder === undefined) return undefined;
  const path = join(folder, "config.json");
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new LlamaError("config", `cannot read docker's logins in ${path}: ${reasonOf(cause)}`, {
      cause,
    });
  }
  const settings = parse(text, path);
  const helper = settings.credHelpers?.[host] ?? settings.credsStore;
  if (helper !== undefined) return await askHelper(helper, host, environment);
  const auth = settings.auths?.[host]?.auth ?? settings.auths?.[`https://${host}`]?.auth;
  const login = Buffer.from(auth ?? "", "base64").toString();
  const colon = login.indexOf(":");
  return colon <= 0 ? undefined : { user: login.slice(0, colon), password: login.slice(colon + 1) };
}

function parse(text: string, path: string): z.infer<typeof schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new LlamaError("config", `docker's logins in ${path} cannot be understood`, {
      cause,
      hint: "`docker login` writes the file anew",
    });
  }
}

/** https://github.com/docker/docker-credential-helpers, "Development": the host goes in, JSON comes out. */
const answer = z.object({ Username: z.string(), Secret: z.string() });

async function askHelper(
  helper: string,
  host: string,
  environment: Environment,
): Promise<RegistryCredentials | undefined> {
  const program = `docker-credential-${helper}`;
  try {
    const child = new Deno.Command(program, {
      args: ["get"],
      env: Object.fromEntries(
        Object.entries(environment).map(([name, value = ""]) => [name, value]),
      ),
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(host));
    await writer.close();
    const { success, stdout } = await child.output();
    const text = new TextDecoder().decode(stdout);
    if (!success) {
      if (/credentials not found/i.test(text)) return undefined;
      throw new Error("it failed");
    }
    const { Username: user, Secret: password } = answer.parse(JSON.parse(text));
    return { user, password };
  } catch (cause) {
    // What it wrote may hold a password.
    throw new LlamaError("config", `${program} gave no login for ${host}`, {
      cause: cause instanceof Deno.errors.NotFound ? cause : undefined,
      hint: `is the program there that docker's config.json names? \`${program} get\``,
    });
  }
}

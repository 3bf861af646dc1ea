/**
 * The AWS CLI's files: `~/.aws/credentials` and `~/.aws/config`.
 *
 * @module
 */

import { join } from "node:path";
import type { Environment } from "../environment.ts";
import { LlamaError, reasonOf } from "../errors.ts";

/** A profile, both files together. */
export interface Profile {
  /** Its name. */
  name: string;
  /** Its settings; where both files have one, the credentials file's. */
  values: ReadonlyMap<string, string>;
  /** The files that were looked at. */
  files: readonly string[];
}

/**
 * Reads one profile.
 *
 * @param environment Says where the files are, and which profile if none is named.
 * @param profile The profile that was named on the command line.
 * @returns The profile; without settings if no file has the default one.
 * @throws {LlamaError} `config` if a file is there but cannot be read, or none has the profile.
 */
export async function readProfile(environment: Environment, profile?: string): Promise<Profile> {
  const name = profile || environment["AWS_PROFILE"] || environment["AWS_DEFAULT_PROFILE"] ||
    "default";
  const home = join(environment["HOME"] ?? "/", ".aws");
  const config = environment["AWS_CONFIG_FILE"] || join(home, "config");
  const credentials = environment["AWS_SHARED_CREDENTIALS_FILE"] || join(home, "credentials");
  const values = new Map<string, string>();
  // In the config file a section is called [profile NAME], but the default one may go without.
  const names = name === "default" ? ["default", "profile default"] : [`profile ${name}`];
  const [first, last] = [parseIni(await read(config)), parseIni(await read(credentials))];
  const sections = [...names.map((each) => first.get(each)), last.get(name)]
    .filter((section) => section !== undefined);
  if (sections.length === 0 && name !== "default") {
    throw new LlamaError(
      "config",
      `no profile ${JSON.stringify(name)} in ${credentials} and ${config}`,
      { hint: "-profile and AWS_PROFILE name one; `aws configure list-profiles` shows them" },
    );
  }
  for (const section of sections) for (const [key, value] of section) values.set(key, value);
  return { name, values, files: [credentials, config] };
}

async function read(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return "";
    throw new LlamaError("config", `cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Reads an INI file as the AWS CLI writes it. Indented lines belong to the setting above
 * (`s3 =` and the like), which llama has no use for.
 *
 * @param text The file's text.
 * @returns Settings by section.
 */
export function parseIni(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let current = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line) || /^\s/.test(line)) continue;
    const header = /^\[\s*(.*?)\s*\]/.exec(line)?.[1];
    if (header !== undefined) {
      const name = header.replace(/\s+/g, " ").replace(/["']/g, "");
      current = sections.get(name) ?? new Map();
      sections.set(name, current);
      continue;
    }
    const [, key, value] = /^([^=]+?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) {
      current.set(key.toLowerCase(), value.replace(/\s+[#;].*$/, ""));
    }
  }
  return sections;
}

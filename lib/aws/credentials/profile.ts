/**
 * The AWS CLI's files: `~/.aws/credentials` and `~/.aws/config`.
 *
 * They are read as botocore reads them, which is the library below the AWS CLI:
 * https://github.com/boto/botocore/blob/develop/botocore/configloader.py
 *
 * @module
 */

import { join } from "node:path";
import type { Environment } from "../../environment.ts";
import { LlamaError, messageOf, reasonOf } from "../../errors.ts";
import { IniError, parseIni, type Section, splitWords } from "./ini.ts";

/** Both files. */
export interface AwsFiles {
  /** The profiles by name; where both files have a setting, it is the credentials file's. */
  readonly profiles: ReadonlyMap<string, Section>;
  /** The profiles as the credentials file alone has them. */
  readonly credentials: ReadonlyMap<string, Section>;
  /** The profiles as the config file alone has them. */
  readonly config: ReadonlyMap<string, Section>;
  /** The `[sso-session NAME]` sections by name. */
  readonly ssoSessions: ReadonlyMap<string, Section>;
  /** The `[services NAME]` sections by name. */
  readonly services: ReadonlyMap<string, Section>;
  /** The config file's path. */
  readonly configPath: string;
  /** The credentials file's path. */
  readonly credentialsPath: string;
  /** The two paths for messages, with the reason where one could not be read. */
  readonly places: string;
}

/** A profile, both files together. */
export interface Profile {
  /** Its name. */
  readonly name: string;
  /** Its settings. */
  readonly values: Section;
  /** The files that it comes from. */
  readonly files: AwsFiles;
}

/**
 * Reads both files, and finds one profile.
 *
 * @param environment Says where the files are, and which profile if none is named.
 * @param named The profile that was named on the command line.
 * @returns The profile; without settings if none was asked for and no file has the default one.
 * @throws {LlamaError} `config` if the AWS CLI refuses a file, or no file has the profile.
 */
export async function readProfile(environment: Environment, named?: string): Promise<Profile> {
  const files = await readFiles(environment);
  const asked = named || (environment["AWS_PROFILE"] ?? environment["AWS_DEFAULT_PROFILE"]);
  const name = asked ?? "default";
  const values = files.profiles.get(name);
  if (values === undefined && asked !== undefined) {
    throw new LlamaError("config", `no profile ${JSON.stringify(name)} in ${files.places}`, {
      hint: "-profile and AWS_PROFILE name one; `aws configure list-profiles` shows them",
    });
  }
  return { name, values: values ?? new Map<string, string>(), files };
}

async function readFiles(environment: Environment): Promise<AwsFiles> {
  const configPath = await expand(environment["AWS_CONFIG_FILE"] ?? "~/.aws/config", environment);
  const credentialsPath = await expand(
    environment["AWS_SHARED_CREDENTIALS_FILE"] ?? "~/.aws/credentials",
    environment,
  );
  const [first, last] = await Promise.all([readIni(configPath), readIni(credentialsPath)]);
  const config = new Map<string, Section>();
  const ssoSessions = new Map<string, Section>();
  const services = new Map<string, Section>();
  for (const [header, section] of first.sections) {
    if (header.startsWith("profile")) setNamed(config, header, section);
    else if (header.startsWith("sso-session")) setNamed(ssoSessions, header, section);
    else if (header.startsWith("services")) setNamed(services, header, section);
    else if (header === "default") config.set(header, section);
  }
  const profiles = new Map(config);
  for (const [name, section] of last.sections) {
    profiles.set(name, new Map([...config.get(name) ?? [], ...section]));
  }
  return {
    profiles,
    credentials: last.sections,
    config,
    ssoSessions,
    services,
    configPath,
    credentialsPath,
    places: `${last.place} and ${first.place}`,
  };
}

/** A section's name is the second word of its header; a header of more or fewer names nothing. */
function setNamed(sections: Map<string, Section>, header: string, section: Section): void {
  try {
    const [, name, more] = splitWords(header);
    if (name !== undefined && more === undefined) sections.set(name, section);
  } catch (error) {
    if (!(error instanceof IniError)) throw error;
  }
}

/** A file that was looked at. */
export interface FileRead {
  /** Its path for messages, with the reason where it could not be read. */
  readonly place: string;
  /** Its sections by name. */
  readonly sections: ReadonlyMap<string, Section>;
}

/**
 * Reads an INI file. As for the AWS CLI, a file that is missing or may not be read counts as empty:
 * the home directory may be another user's.
 *
 * @param path The file's path.
 * @returns Its sections.
 * @throws {LlamaError} `config` if the AWS CLI refuses it.
 */
export async function readIni(path: string): Promise<FileRead> {
  let bytes;
  try {
    if (!(await Deno.stat(path)).isFile) {
      return { place: path, sections: new Map<string, Section>() };
    }
    bytes = await Deno.readFile(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "" : ` (${reasonOf(error)})`;
    return { place: path + reason, sections: new Map<string, Section>() };
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { place: path, sections: parseIni(text) };
  } catch (cause) {
    const why = cause instanceof IniError ? messageOf(cause) : "it is not UTF-8";
    throw new LlamaError("config", `cannot read ${path}: ${why}`, {
      cause,
      hint: "correct it with an editor; the AWS CLI does not read it either",
    });
  }
}

/**
 * Expands a path as the AWS CLI does: variables, then a home directory.
 *
 * @param path Such as `~/.aws/config` or `$HOME/keys`.
 * @param environment The environment variables.
 * @returns The path; unknown variables and users stay as they are.
 */
export async function expand(path: string, environment: Environment): Promise<string> {
  const expanded = path.replace(
    /\$(?:(\w+)|\{([^}]*)\})/g,
    (whole, bare, braced) => environment[bare ?? braced] ?? whole,
  );
  const [, user, rest = ""] = /^~([^/]*)(.*)$/s.exec(expanded) ?? [];
  if (user === undefined) return expanded;
  const home = user === "" ? environment["HOME"] ?? await homeOf("") : await homeOf(user);
  return home === undefined ? expanded : join(home || "/", rest);
}

/** The home directory of a user by the system's list; of the process's own if the name is empty. */
async function homeOf(user: string): Promise<string | undefined> {
  const uid = String(Deno.uid());
  try {
    const users = (await Deno.readTextFile("/etc/passwd")).split("\n").map((line) =>
      line.split(":")
    );
    return users.find(([name, , id]) => user === "" ? id === uid : name === user)?.[5];
  } catch (error) {
    // A system without that list knows no homes.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Returns a setting that is text.
 *
 * @param section Where it is set.
 * @param name Its name.
 * @returns Its value; undefined if it is not set.
 * @throws {LlamaError} `config` if it holds indented settings instead.
 */
export function textOf(section: Section, name: string): string | undefined {
  const value = section.get(name);
  if (value === undefined || typeof value === "string") return value;
  throw new LlamaError("config", `${name} of the AWS profile is a list of settings, not a value`, {
    hint: "write its value on the same line",
  });
}

/**
 * Returns the settings that are indented below one.
 *
 * @param section Where it is set.
 * @param name Its name.
 * @returns The settings; none if it is not set.
 * @throws {LlamaError} `config` if it has a value instead.
 */
export function nestedOf(section: Section, name: string): ReadonlyMap<string, string> {
  const value = section.get(name);
  if (value === undefined) return new Map<string, string>();
  if (typeof value !== "string") return value;
  throw new LlamaError("config", `${name} of the AWS profile is a value, not a list of settings`, {
    hint: "indent its settings on the lines below it",
  });
}

/**
 * The packages of Debian and of what is made from it.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../../errors.ts";
import { expectedData, perlBase, upkeep, wholes } from "../tables.ts";
import type { InstalledPackage, PackageManager } from "./package_manager.ts";

/** Where dpkg keeps what it knows. */
const defaultDirectory = "/var/lib/dpkg";

/** The directories that are links into /usr where a system's /usr is merged. */
const merged = /^\/usr(\/(?:bin|sbin|lib|lib32|lib64|libx32)\/)/;

interface Known {
  /** `Package`, with the architecture where there may be several. */
  readonly binary: string;
  readonly version: string;
  /** Alternatives of each dependency, as names. */
  readonly depends: readonly (readonly string[])[];
  readonly recommends: readonly (readonly string[])[];
}

/** Asks `dpkg-query`. */
export class Dpkg implements PackageManager {
  readonly #directory: string;
  #known: Promise<{ byName: Map<string, Known>; providers: Map<string, string[]> }> | undefined;

  /** @param directory Where dpkg keeps what it knows. */
  constructor(directory: string = defaultDirectory) {
    this.#directory = directory;
  }

  /** Whether this machine's packages are dpkg's. */
  static isHere(): boolean {
    try {
      return Deno.statSync(`${defaultDirectory}/status`).isFile;
    } catch {
      // Then it is another system.
      return false;
    }
  }

  /** See {@linkcode PackageManager}. */
  async ownersOf(paths: readonly string[], signal?: AbortSignal): Promise<Map<string, string>> {
    const owners = new Map<string, string>();
    // What came as /bin/bash is in /usr/bin since /usr was merged, and dpkg knows the old name alone.
    const spellings = new Map(paths.flatMap((path) => [
      [path, path] as const,
      ...merged.test(path) ? [[path.replace(merged, "$1"), path] as const] : [],
    ]));
    // Names may hold what dpkg takes for a pattern.
    const patterns = [...spellings.keys()].map((path) => path.replace(/[\\*?[\]]/g, "\\$&"));
    for (let at = 0; at < patterns.length; at += 1000) {
      // It fails if one of them has no owner, and names that on stderr.
      const text = await this.#query(["--search", ...patterns.slice(at, at + 1000)], signal, [
        0,
        1,
      ]);
      for (const line of text.split("\n")) {
        if (/^(local )?diversion by /.test(line)) continue;
        const [, names = "", found = ""] = /^([^/]+?): (\/.*)$/.exec(line) ?? [];
        const path = spellings.get(found);
        const [owner = ""] = names.split(", ");
        if (path !== undefined && owner !== "" && !owners.has(path)) owners.set(path, owner);
      }
    }
    return owners;
  }

  /** See {@linkcode PackageManager}. */
  async closureOf(
    names: ReadonlyMap<string, string>,
    signal?: AbortSignal,
  ): Promise<Map<string, InstalledPackage>> {
    const { byName, providers } = await (this.#known ??= this.#readKnown(signal));
    const found = new Map<string, InstalledPackage>();
    const add = (name: string, reason: string, isNamed: boolean): void => {
      const known = byName.get(name);
      if (known === undefined || found.has(known.binary)) return;
      found.set(known.binary, { name: known.binary, version: known.version, reason });
      const whole = isNamed ? wholes.get(baseName(known.binary)) : undefined;
      if (whole !== undefined) add(whole, `the rest of ${known.binary}`, true);
      const recommended = isNamed
        ? known.recommends
        : known.recommends.filter((names) => names.some((name) => expectedData.has(name)));
      const wanted = [...known.depends, ...recommended];
      for (const alternatives of wanted) {
        const choice = choose(alternatives, byName, providers);
        if (choice === undefined || isUpkeep(choice, known.binary)) continue;
        add(choice, `${known.binary} needs it`, false);
      }
    };
    for (const [name, reason] of names) add(name, reason, true);
    return found;
  }

  /** See {@linkcode PackageManager}. */
  async filesOf(names: readonly string[], signal?: AbortSignal): Promise<Map<string, string[]>> {
    const files = new Map<string, string[]>();
    for (const name of names) {
      const text = await this.#query(["--listfiles", name], signal);
      const paths = text.split("\n").flatMap((line) => {
        // "diverted by dash to: /bin/sh.distrib", after the path that the file would have had.
        const [, diverted] = /^(?:locally )?diverted (?:by \S+ )?to: (\/.*)$/.exec(line) ?? [];
        return diverted !== undefined ? [diverted] : line.startsWith("/") ? [line] : [];
      });
      files.set(name, paths.filter((path) => path !== "/."));
    }
    return files;
  }

  /** See {@linkcode PackageManager}. */
  alternatives(): Map<string, string[]> {
    const links = new Map<string, string[]>();
    let names: string[];
    try {
      names = Array.from(Deno.readDirSync(`${this.#directory}/alternatives`), ({ name }) => name);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return links;
      throw error;
    }
    for (const name of names) {
      // The mode, the link, then a name and a link for each that follows it, up to an empty line.
      const lines = Deno.readTextFileSync(`${this.#directory}/alternatives/${name}`).split("\n");
      const end = lines.indexOf("", 2);
      const [, main = "", ...followers] = lines.slice(0, end < 0 ? undefined : end);
      for (const link of [main, ...followers.filter((_, index) => index % 2 === 1)]) {
        const target = targetOf(link);
        if (target !== undefined) links.set(target, [...links.get(target) ?? [], link]);
      }
    }
    return links;
  }

  async #readKnown(signal: AbortSignal | undefined) {
    const fields = ["binary:Package", "Package", "Version", "db:Status-Status"].concat(
      ["Depends", "Pre-Depends", "Recommends", "Provides"],
    );
    const format = fields.map((field) => `\${${field}}`).join("\\t") + "\\n";
    const text = await this.#query(["--show", `--showformat=${format}`], signal);
    const byName = new Map<string, Known>();
    const providers = new Map<string, string[]>();
    for (const line of text.split("\n")) {
      const [binary, name, version, status, depends, preDepends, recommends, provides] = line
        .split("\t");
      if (binary === undefined || name === undefined || status !== "installed") continue;
      const known: Known = {
        binary,
        version: version ?? "",
        depends: [...relations(preDepends), ...relations(depends)],
        recommends: relations(recommends),
      };
      byName.set(binary, known);
      // Of a package for several architectures the first is the machine's own.
      if (!byName.has(name)) byName.set(name, known);
      for (const [provided] of relations(provides)) {
        if (provided === undefined) continue;
        providers.set(provided, [...providers.get(provided) ?? [], binary]);
      }
    }
    return { byName, providers };
  }

  async #query(
    args: readonly string[],
    signal: AbortSignal | undefined,
    statuses: readonly number[] = [0],
  ): Promise<string> {
    let output: Deno.CommandOutput;
    try {
      output = await new Deno.Command("dpkg-query", {
        args: [`--admindir=${this.#directory}`, ...args],
        env: { LC_ALL: "C.UTF-8" },
        stdin: "null",
        ...(signal === undefined ? {} : { signal }),
      }).output();
    } catch (cause) {
      signal?.throwIfAborted();
      throw new LlamaError("config", `cannot run dpkg-query: ${reasonOf(cause)}`, { cause });
    }
    signal?.throwIfAborted();
    const decoder = new TextDecoder();
    if (!statuses.includes(output.code)) {
      const [reason = ""] = decoder.decode(output.stderr).trim().split("\n");
      throw new LlamaError("config", `dpkg-query ${args[0]} failed: ${reason}`);
    }
    return decoder.decode(output.stdout);
  }
}

/** Reads `a (>= 1) | b:any, c`, as each dependency's alternatives. */
function relations(text = ""): string[][] {
  return text.split(",").map((relation) =>
    relation.split("|").map((choice) => choice.trim().replace(/[\s(:].*$/s, "")).filter((name) =>
      name !== ""
    )
  ).filter((choices) => choices.length > 0);
}

/** The first of the alternatives that is installed, by its own name or by what it provides. */
function choose(
  alternatives: readonly string[],
  byName: ReadonlyMap<string, Known>,
  providers: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  for (const name of alternatives) {
    const known = byName.get(name);
    if (known !== undefined) return known.binary;
    const [provider] = providers.get(name) ?? [];
    if (provider !== undefined) return provider;
  }
  return undefined;
}

function isUpkeep(name: string, neededBy: string): boolean {
  const base = baseName(name);
  if (base === perlBase) return !/perl/.test(neededBy);
  return upkeep.has(base);
}

/** A package's name without its architecture. */
function baseName(binary: string): string {
  return binary.replace(/:.*$/, "");
}

/** Where a link leads in the end. */
function targetOf(link: string): string | undefined {
  try {
    return Deno.realPathSync(link);
  } catch {
    // A link of manual pages that are not installed, say.
    return undefined;
  }
}

/**
 * From the names of programs to the files of an image.
 *
 * @module
 */

import { matchesGlob, resolve } from "node:path";
import { type Architecture, ownArchitecture } from "../functions/architecture.ts";
import type { Environment } from "../environment.ts";
import { isMissing, LlamaError, reasonOf } from "../errors.ts";
import { moduleOf, retimed } from "./compiled_python.ts";
import { type ElfHeaders, readElf } from "./elf.ts";
import { usualFonts } from "./fonts.ts";
import { type Libraries, librariesOf } from "./libraries.ts";
import { cachedLibraries, writeLoaderCache } from "./loader_cache.ts";
import { Dpkg } from "./packages/dpkg.ts";
import type { InstalledPackage, PackageManager } from "./packages/package_manager.ts";
import {
  companions,
  documentation,
  fontconfig,
  generated,
  keyFiles,
  locales,
  secrets,
} from "./tables.ts";
import { type ImageEntry, type LeftOut, Tree } from "./tree.ts";

/** A program in an image. */
export interface PackedProgram {
  /** Its absolute path. */
  readonly path: string;
  /** The package that contains it, if any. */
  readonly package?: string | undefined;
}

/** The programs of an image, and the files that go with them. */
export interface ProgramSelection {
  /** The programs: names that are looked up on `PATH`, or paths. The first is the image's command. */
  readonly programs: readonly string[];
  /** Files and directories that go along at their own absolute paths. @default {[]} */
  readonly include?: readonly string[] | undefined;
  /**
   * Paths to leave out: globs matched against the whole path, or the name if without a slash.
   * @default {[]}
   */
  readonly exclude?: readonly string[] | undefined;
  /** Whether to take linked libraries alone, and no packages. @default {false} */
  readonly isMinimal?: boolean | undefined;
  /** The processor that the image is for. @default {this machine's} */
  readonly architecture?: Architecture | undefined;
  /** Where relative paths begin. @default {the current directory} */
  readonly directory?: string | undefined;
  /** Ends the search early. */
  readonly signal?: AbortSignal | undefined;
}

/** Options for {@linkcode planImage}. */
export interface PlanOptions extends ProgramSelection {
  /** The compiled runtime, a path. */
  readonly runtime: string;
  /** `PATH` and `HOME`. */
  readonly environment: Environment;
  /** The packages of this machine. @default {dpkg's, where they are} */
  readonly packageManager?: PackageManager | undefined;
}

/** What goes into an image, and why. */
export interface ImagePlan {
  /** The programs by their absolute paths, as they were found, with their packages. */
  readonly programs: readonly PackedProgram[];
  /** The packages whose files go along. */
  readonly packages: readonly InstalledPackage[];
  /** All entries. */
  readonly entries: readonly ImageEntry[];
  /** What does not go along although it was asked for, or is part of a package. */
  readonly leftOut: readonly LeftOut[];
  /** Libraries and script interpreters that included files need and this machine lacks. */
  readonly missing: readonly string[];
  /** Named paths that are hidden in Lambda, which mounts its own directories over them. */
  readonly hidden: readonly string[];
  /** The processor that it is for. */
  readonly architecture: Architecture;
}

/** Where the runtime is in an image. */
export const runtimePath = "/llama_runtime";

/** Directories that Lambda mounts over: an image's files in them are hidden. */
const mounted = /^\/(tmp|proc|dev)(\/|$)/;

/** Lambda takes no larger images. */
const maxBytes = 10 * 2 ** 30;

/** What the runtime needs of glibc. */
const runtimeLibraries = [
  ...["libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "librt.so.1"],
];

/** The loaders of glibc, and Debian's directories of libraries. */
const systems: Readonly<Record<Architecture, { loader: string; libraries: string }>> = {
  x86_64: { loader: "/lib64/ld-linux-x86-64.so.2", libraries: "/lib/x86_64-linux-gnu" },
  arm64: { loader: "/lib/ld-linux-aarch64.so.1", libraries: "/lib/aarch64-linux-gnu" },
};

/**
 * Finds all files that programs need to run in an otherwise empty image.
 *
 * @param options The programs, and the files to add or leave out.
 * @returns The files, and the reason for each.
 * @throws {LlamaError} `usage` if a program does not exist or cannot run in Lambda, or a named file
 * cannot be sent.
 */
export async function planImage(options: PlanOptions): Promise<ImagePlan> {
  return await new Planner(options).plan();
}

/**
 * Checks that the programs of this machine can run in Lambda.
 *
 * @param architecture The processor of the function.
 * @throws {LlamaError} `usage` on another system than Linux, and where the processors differ.
 */
export function checkMachine(architecture: Architecture): void {
  if (Deno.build.os !== "linux") {
    throw new LlamaError("usage", "only the programs of a Linux machine run in Lambda", {
      hint: "-zip takes a folder with a program for Linux, -build one with a Dockerfile",
    });
  }
  if (architecture === ownArchitecture) return;
  throw new LlamaError(
    "usage",
    `the programs of this machine are for ${ownArchitecture}, not for ${architecture}`,
    { hint: `make the function with -arch ${ownArchitecture}, or run this on the other machine` },
  );
}

class Planner {
  readonly #options: PlanOptions;
  readonly #tree: Tree;
  readonly #architecture: Architecture;
  readonly #packageManager: PackageManager | undefined;
  /** Absolute paths that go along because they were named. */
  readonly #included: ReadonlySet<string>;
  /** Names of packages, with the reason for which they are needed. */
  readonly #wanted = new Map<string, string>();
  /** Files without an owner that are linked with libraries or begin with `#!`. */
  readonly #examined = new Set<string>();
  readonly #missing = new Set<string>();
  /** Files whose owners are to be found, with the reason. */
  readonly #unowned = new Map<string, string>();
  /** The packages of these. */
  #owners: ReadonlyMap<string, string> = new Map();

  constructor(options: PlanOptions) {
    this.#options = options;
    this.#architecture = options.architecture ?? ownArchitecture;
    checkMachine(this.#architecture);
    const { exclude = [], include = [], directory = Deno.cwd(), environment } = options;
    const { HOME: home } = environment;
    this.#included = new Set(
      include.map((path) =>
        resolve(directory, home === undefined ? path : path.replace(/^~(?=\/|$)/, home))
      ),
    );
    this.#tree = new Tree((path) => exclude.some((glob) => isMatch(path, glob)));
    this.#packageManager = options.isMinimal
      ? undefined
      : options.packageManager ?? (Dpkg.isHere() ? new Dpkg() : undefined);
  }

  async plan(): Promise<ImagePlan> {
    const { programs: names, signal } = this.#options;
    const programs = names.map((name) => this.#find(name));
    for (const program of programs) await this.#addProgram(program, "a program that was named");
    for (const path of this.#included) await this.#include(path);
    const packages = await this.#addPackages();
    await this.#addLoaderCache();
    this.#addRuntime();
    const entries = this.#tree.entries;
    const bytes = entries.reduce((sum, { size }) => sum + size, 0);
    if (bytes > maxBytes) {
      throw new LlamaError("usage", `the files add up to ${Math.ceil(bytes / 2 ** 30)} GiB`, {
        hint: "Lambda takes images of up to 10 GB: leave some out with -exclude",
      });
    }
    signal?.throwIfAborted();
    return {
      programs: programs.map((path) => ({
        path,
        package: this.#owners.get(path) ?? this.#owners.get(realPath(path)),
      })),
      ...{ packages, entries, leftOut: this.#tree.leftOut },
      missing: [...this.#missing],
      hidden: [...programs, ...this.#included].filter((path) => mounted.test(path)),
      architecture: this.#architecture,
    };
  }

  /** Finds a program as a shell would, and refuses what cannot be one. */
  #find(name: string): string {
    const { environment, directory = Deno.cwd() } = this.#options;
    const paths = name.includes("/")
      ? [resolve(directory, name)]
      : (environment["PATH"] ?? "").split(":").filter((folder) => folder !== "")
        .map((folder) => `${resolve(directory, folder)}/${name}`);
    let found: string | undefined;
    for (const path of paths) {
      try {
        const { isFile, mode } = Deno.statSync(path);
        if (isFile && ((mode ?? 0) & 0o111) !== 0) return path;
        found ??= path;
      } catch (error) {
        if (isLinkToNothing(path)) {
          throw new LlamaError("usage", `${JSON.stringify(path)} is a symbolic link to nothing`, {
            cause: error,
          });
        }
        if (!isMissing(error)) {
          throw new LlamaError("usage", `cannot read ${JSON.stringify(path)}: ${reasonOf(error)}`, {
            cause: error,
          });
        }
      }
    }
    if (found !== undefined) {
      const isDirectory = Deno.statSync(found).isDirectory;
      throw new LlamaError(
        "usage",
        `${JSON.stringify(found)} is ${isDirectory ? "a directory" : "not executable"}`,
        { hint: isDirectory ? "-include takes directories" : `chmod +x ${found}` },
      );
    }
    throw new LlamaError("usage", `no program ${JSON.stringify(name)} on this machine`, {
      hint: name.includes("/")
        ? "-program takes a name on PATH or a path"
        : "is it a builtin or an alias of your shell? -program takes a name on PATH or a path",
    });
  }

  /** Adds a program and its interpreter or libraries, and marks the program's package as wanted. */
  async #addProgram(path: string, reason: string): Promise<void> {
    const isNamed = this.#included.has(path);
    const real = this.#tree.add(path, { reason, layer: "programs", isNamed });
    if (real === undefined) {
      const left = this.#tree.leftOut.find((left) => left.path === realPath(path));
      throw new LlamaError(
        "usage",
        `${JSON.stringify(path)} cannot go along: ${left?.reason ?? "excluded"}`,
        { hint: `make it world-readable (chmod o+r), or add -include ${path}` },
      );
    }
    if (isNamed) checkReadable(real);
    for (const file of new Set([path, real])) this.#unowned.set(file, reason);
    const before = this.#missing.size;
    await this.#examine(real, true);
    const [missing] = [...this.#missing].slice(before);
    if (missing !== undefined) {
      throw new LlamaError("usage", `this machine lacks ${missing}`, {
        hint: "install it: the program does not run here either",
      });
    }
  }

  /** Finds what a file is interpreted or loaded by. */
  async #examine(path: string, isProgram: boolean): Promise<void> {
    if (this.#examined.has(path)) return;
    this.#examined.add(path);
    const elf = readHeaders(path);
    if (elf === undefined) await this.#examineScript(path, isProgram);
    else if (elf.architecture !== this.#architecture) this.#refuseElf(path, elf);
    else if (elf.interpreter !== undefined || elf.isDynamic) await this.#addLibraries(path, elf);
  }

  #refuseElf(path: string, { bits, architecture }: ElfHeaders): never {
    const what = architecture ?? (bits === 32 ? "32-bit machines" : "another processor");
    throw new LlamaError(
      "usage",
      `${JSON.stringify(path)} is for ${what}; the function is for ${this.#architecture}`,
    );
  }

  async #addLibraries(path: string, { interpreter }: ElfHeaders): Promise<void> {
    const loader = interpreter ?? systems[this.#architecture].loader;
    const { found, missing }: Libraries = await librariesOf(loader, path, this.#options.signal);
    for (const name of missing) this.#missing.add(`${name}, which ${path} is linked with`);
    const reason = `${path} is linked with it`;
    for (const library of [...interpreter === undefined ? [] : [interpreter], ...found]) {
      if (!this.#examined.has(library)) {
        this.#examined.add(library);
        const real = this.#tree.add(library, { reason, layer: "programs" });
        if (real !== undefined) this.#unowned.set(real, reason);
      }
    }
  }

  /** A script: `#!INTERPRETER ARGUMENT`, where env(1) names the one that is meant. */
  async #examineScript(path: string, isProgram: boolean): Promise<void> {
    const line = firstLine(path);
    if (line === undefined) {
      if (!isProgram) return;
      throw new LlamaError(
        "usage",
        `${JSON.stringify(path)} is neither a program for Linux nor a script that begins with "#!"`,
        { hint: "a script's first line names what runs it, such as #!/bin/sh" },
      );
    }
    const [interpreter = "", ...rest] = line.trim().split(/[ \t]+/);
    const isEnv = /(^|\/)env$/.test(interpreter);
    const named = isEnv ? rest.find((word) => !/^-|=/.test(word)) : undefined;
    try {
      if (!interpreter.startsWith("/")) {
        throw new LlamaError("usage", `${JSON.stringify(interpreter)} is not an absolute path`);
      }
      const programs = [interpreter, ...named === undefined ? [] : [named]];
      for (const name of programs) {
        await this.#addProgram(this.#find(name), `${path} is run by it`);
      }
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      const { code, message, hint } = error;
      // One of many files that were included may never be run.
      if (!isProgram) this.#missing.add(`what runs ${path}: ${message}`);
      else {
        const first = `${JSON.stringify(path)} begins with "#!${line}"`;
        throw new LlamaError(code, `${first}: ${message}`, { cause: error, hint });
      }
    }
  }

  async #include(path: string): Promise<void> {
    const reason = "-include names it";
    const info = stat(path);
    if (!info.isDirectory) {
      const real = this.#tree.add(path, { reason, layer: "programs", isNamed: true });
      if (real === undefined) return;
      checkReadable(real);
      await this.#examineIncluded(real);
      return;
    }
    const files: string[] = [];
    this.#tree.addAll(path, { reason, layer: "programs" }, (file) => void files.push(file));
    for (const file of files) {
      if (!this.#included.has(file)) refuseSecret(file);
    }
    for (const file of files) this.#retime(file);
    for (const file of files) await this.#examineIncluded(file);
  }

  /**
   * Patches the source time in a compiled Python module: included sources lose their times, which
   * would make Python compile them again.
   */
  #retime(path: string): void {
    const source = moduleOf(path);
    const [module, compiled] = [source && this.#tree.get(source), this.#tree.get(path)];
    if (!module || !compiled || !isReadable(path)) return;
    const patch = retimed(path, module.mtimeSeconds);
    if (patch !== undefined) this.#tree.set({ ...compiled, patch });
  }

  /** Adds what an included program or library needs; other files are only data. */
  async #examineIncluded(path: string): Promise<void> {
    const { kind, mode = 0 } = this.#tree.get(path) ?? {};
    const isProgram = (mode & 0o111) !== 0;
    if (kind !== "file") return;
    if (!isProgram && !/\.so(\.|$)/.test(path)) return;
    this.#unowned.set(path, "-include names it");
    await this.#examine(path, false);
  }

  async #addPackages(): Promise<InstalledPackage[]> {
    const manager = this.#packageManager;
    if (manager === undefined) return [];
    const { signal } = this.#options;
    this.#owners = await manager.ownersOf([...this.#unowned.keys()], signal);
    for (const [path, owner] of this.#owners) {
      if (!this.#wanted.has(owner)) {
        this.#wanted.set(owner, `contains ${path}: ${this.#unowned.get(path)}`);
      }
    }
    await this.#addCompanions(manager, await manager.closureOf(this.#wanted, signal));
    const packages = await manager.closureOf(this.#wanted, signal);
    const files = await manager.filesOf([...packages.keys()], signal);
    for (const [name, paths] of files) this.#addPackageFiles(name, paths);
    for (const { package: name, paths, reason } of generated) {
      if (![...packages.keys()].some((known) => name.test(known))) continue;
      for (const path of paths) this.#addGenerated(path, reason);
    }
    for (const [target, links] of manager.alternatives()) {
      if (this.#tree.get(target) === undefined) continue;
      for (const link of links) {
        if (isDocumentation(link)) continue;
        this.#tree.add(link, { reason: `an alternative, ${target}`, layer: "packages" });
      }
    }
    return [...packages.values()];
  }

  /** Adds packages that others need without declaring a dependency. */
  async #addCompanions(
    manager: PackageManager,
    packages: ReadonlyMap<string, InstalledPackage>,
  ): Promise<void> {
    const names = [...packages.keys()];
    for (const { package: pattern, companion, reason } of companions) {
      const name = names.find((name) => pattern.test(name));
      if (name !== undefined && !this.#wanted.has(companion)) {
        this.#wanted.set(companion, `for ${name}: ${reason}`);
      }
    }
    if (!names.some((name) => fontconfig.test(name))) return;
    const { signal } = this.#options;
    const fonts = await usualFonts(signal);
    const owners = await manager.ownersOf([...fonts.keys()], signal);
    for (const [file, family] of fonts) {
      const owner = owners.get(file);
      const reason = `what ${family} looks like here`;
      if (owner === undefined) this.#tree.add(file, { reason, layer: "packages" });
      else if (!this.#wanted.has(owner)) this.#wanted.set(owner, `contains ${file}: ${reason}`);
    }
  }

  #addPackageFiles(name: string, paths: readonly string[]): void {
    const options = { reason: `of the package ${name}`, layer: "packages" } as const;
    for (const path of paths) {
      if (isDocumentation(path)) continue;
      // Administrators remove files of packages, and dpkg can be told to install only some.
      if (statLink(path) === undefined) continue;
      const real = this.#tree.add(path, { ...options, keepsTime: true, follows: false });
      if (real !== undefined && path.endsWith(".py")) this.#addCompiled(real);
    }
  }

  /** Adds a module's compiled files, or Python would compile it again for every job. */
  #addCompiled(module: string): void {
    const slash = module.lastIndexOf("/");
    const [folder, name] = [`${module.slice(0, slash)}/__pycache__`, module.slice(slash + 1, -3)];
    const reason = "compiled by Python";
    for (const entry of entriesOf(folder)) {
      if (!entry.isFile || !entry.name.startsWith(`${name}.cpython-`)) continue;
      this.#tree.add(`${folder}/${entry.name}`, { reason, layer: "packages" });
    }
  }

  #addGenerated(path: string, reason: string): void {
    const info = statLink(path);
    if (info === undefined) return;
    const options = { reason, layer: "packages" } as const;
    if (info.isDirectory) this.#tree.addAll(path, options);
    else this.#tree.add(path, options);
  }

  /** Writes a new loader cache: this machine's also lists libraries that are not in the image. */
  async #addLoaderCache(): Promise<void> {
    const libraries = (await cachedLibraries(this.#options.signal))
      .filter(({ path }) => this.#tree.get(realPath(path)) !== undefined);
    if (libraries.length === 0) return;
    for (const { path } of libraries) {
      this.#tree.add(path, { reason: "the loader's cache names it", layer: "programs" });
    }
    const source = writeLoaderCache(libraries, this.#architecture);
    this.#tree.set({
      ...{ path: "/etc/ld.so.cache", kind: "file", mode: 0o644, mtimeSeconds: 0 },
      ...{ size: source.length, source, layer: "programs" },
      reason: "the loader finds libraries in other directories with it",
    });
  }

  /** The runtime, what it needs of the C library, and the directories that Lambda mounts. */
  #addRuntime(): void {
    const reason = "the runtime";
    const layer = "runtime";
    const { runtime } = this.#options;
    const { size } = stat(runtime);
    const file = { kind: "file", mode: 0o755, mtimeSeconds: 0, size, source: runtime } as const;
    this.#tree.set({ path: runtimePath, ...file, reason, layer });
    for (const [path, mode] of [["/tmp", 0o1777], ["/proc", 0o755], ["/dev", 0o755]] as const) {
      const directory = { kind: "directory", mode, mtimeSeconds: 0, size: 0 } as const;
      this.#tree.set({ path, ...directory, reason: "Lambda mounts it", layer });
    }
    for (const path of locales) {
      const options = { reason: "the locale of functions", layer } as const;
      if (statLink(path)?.isDirectory) this.#tree.addAll(path, options);
    }
    const { loader, libraries } = systems[this.#architecture];
    const needed = { reason: "the runtime's C library", layer } as const;
    for (const path of [loader, ...runtimeLibraries.map((name) => `${libraries}/${name}`)]) {
      if (statLink(path) === undefined) {
        throw new LlamaError("usage", `the runtime needs ${path}, which is not on this machine`, {
          hint: "a glibc of 2.27 or newer is needed, as Debian and Ubuntu have it",
        });
      }
      this.#tree.add(path, needed);
    }
  }
}

/** Refuses keys and credentials in an included directory: they are probably there by accident. */
function refuseSecret(path: string): void {
  if (!secrets.test(path) && !(keyFiles.test(path) && holdsKey(path))) return;
  throw new LlamaError("usage", `${JSON.stringify(path)} holds keys or credentials`, {
    hint: `leave it out with -exclude '${path}', or name that very file with -include`,
  });
}

/** Reports whether a file can be read. If not, packing it reports the reason. */
function isReadable(path: string): boolean {
  try {
    Deno.openSync(path).close();
    return true;
  } catch {
    return false;
  }
}

function checkReadable(path: string): void {
  try {
    Deno.openSync(path).close();
  } catch (cause) {
    throw new LlamaError("usage", `cannot read ${JSON.stringify(path)}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

/** Globs without a slash are of names, as in .gitignore. */
function isMatch(path: string, glob: string): boolean {
  if (!glob.includes("/")) return matchesGlob(path.slice(path.lastIndexOf("/") + 1), glob);
  return matchesGlob(path, glob) || matchesGlob(path, `${glob.replace(/\/$/, "")}/**`);
}

function isDocumentation(path: string): boolean {
  return documentation.some(({ path: directory }) => `${path}/`.startsWith(directory));
}

function readHeaders(path: string): ElfHeaders | undefined {
  try {
    return readElf(path);
  } catch (cause) {
    throw new LlamaError("usage", `cannot read ${JSON.stringify(path)}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

/** What follows `#!` on a script's first line; undefined where there is none. */
function firstLine(path: string): string | undefined {
  using file = Deno.openSync(path);
  const bytes = new Uint8Array(256);
  const text = new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0));
  return /^#!([^\r\n]*)/.exec(text)?.[1];
}

function holdsKey(path: string): boolean {
  try {
    return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(Deno.readTextFileSync(path)) ||
      /\.(p12|pfx)$/.test(path);
  } catch {
    // One that cannot be read does not go along either.
    return true;
  }
}

function stat(path: string): Deno.FileInfo {
  try {
    return Deno.statSync(path);
  } catch (cause) {
    const reason = isLinkToNothing(path) ? "it is a symbolic link to nothing" : reasonOf(cause);
    throw new LlamaError("usage", `cannot read ${JSON.stringify(path)}: ${reason}`, { cause });
  }
}

function statLink(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    // What is not there does not go along.
    return undefined;
  }
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

function entriesOf(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(path)].toSorted((a, b) => a.name < b.name ? -1 : 1);
  } catch {
    // No such directory.
    return [];
  }
}

function isLinkToNothing(path: string): boolean {
  return statLink(path)?.isSymlink ?? false;
}

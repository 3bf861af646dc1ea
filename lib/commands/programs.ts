/**
 * `llama update-function -program`: programs of this machine become the image of a function.
 *
 * @module
 */

import { isFile } from "../files/is_file.ts";
import { join, resolve } from "node:path";
import { type Architecture, ownArchitecture } from "../functions/architecture.ts";
import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import { shellWords } from "../cli/completion/shell_words.ts";
import { readDefinition } from "../deploy/package.ts";
import { findRuntimeProgram } from "../deploy/runtime_program.ts";
import { defaultStackName } from "../deploy/stack_template.ts";
import { LlamaError } from "../errors.ts";
import type { FunctionDefinition } from "../functions/definition.ts";
import type { ImageAmounts, Pack } from "../image/pack.ts";
import type { PreparedImage } from "../image/image.ts";
import { repositoryOf } from "../image/repository.ts";
import { bytesText, countText } from "../text/amounts.ts";
import { printableLine } from "../text/printable.ts";
import type { Aws, CommandContext } from "./context.ts";
import type { UpdateFunctionValues } from "./spec/functions.ts";

/** Programs with all that they need, and what a `function.json` says of their function. */
export interface PackedPrograms extends AsyncDisposable {
  /** The function as its folder describes it; the image has its command. */
  readonly definition: FunctionDefinition | undefined;
  /** The processor that the programs are for. */
  readonly architecture: Architecture;
  /** What goes into the image. */
  readonly pack: Pack;
  /** The words of a command that must succeed in it: undefined for the usual one, empty for none. */
  readonly check: readonly string[] | undefined;
}

/**
 * Finds all that goes into an image, where the flags or a folder name programs. Nothing is sent.
 *
 * @param values The flags' values.
 * @param name The function's name.
 * @param context Environment, output and signal.
 * @returns What was found, to be disposed of; undefined if the function is not made of programs.
 * @throws {LlamaError} `usage` or `config` if a program cannot go into an image.
 */
export async function packPrograms(
  values: UpdateFunctionValues,
  name: string,
  context: CommandContext,
): Promise<PackedPrograms | undefined> {
  const { environment, output, signal } = context;
  const folder = await folderOf(values, name);
  const programs = folder?.definition.programs ?? values.program;
  if (programs.length === 0) return undefined;
  // Loaded on demand: most uses of this command do not build an image.
  const { checkMachine, pack } = await import("../image/pack.ts");
  const definition = folder?.definition;
  const architecture = values.arch ?? definition?.architecture ?? ownArchitecture;
  checkMachine(architecture);
  const runtime = await findRuntimeProgram(architecture, {
    named: values.runtime || undefined,
    onCompile: () => void output.message(`compiling the runtime for ${architecture}`),
    signal,
  });
  try {
    const directory = resolve(folder?.path ?? ".");
    const packed = await pack({
      programs,
      include: [
        ...definition?.include ?? [],
        // The folder's begin at the folder, and those of the command line where it was written.
        ...values.include.map((path) => resolve(path)),
      ],
      exclude: [...definition?.exclude ?? [], ...values.exclude],
      isMinimal: values.minimal,
      runtime,
      command: commandOf(definition),
      architecture,
      directory,
      environment,
      signal,
    });
    for (const path of packed.plan.hidden) {
      const [, top = ""] = path.split("/");
      await output.message(`${path} is hidden in Lambda, which mounts its own /${top}: move it`);
    }
    const check = values.check || definition?.check;
    return {
      // The command is stored in the image, so it is part of what was checked and pushed.
      definition: definition && { ...definition, command: [] },
      architecture,
      pack: packed,
      check: check === undefined ? undefined : shellWords(`${check} `).slice(0, -1),
      [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
    };
  } catch (error) {
    await runtime[Symbol.asyncDispose]();
    throw error;
  }
}

/** The command that a folder names; the first program's own path is known only once it is found. */
function commandOf(definition: FunctionDefinition | undefined): readonly string[] | undefined {
  const { command, programs: [program] = [] } = definition ?? {};
  return command?.length === 1 && command[0] === program ? undefined : command;
}

/** The folder whose `function.json` names programs, where the flags name one. */
async function folderOf(
  { program, build }: UpdateFunctionValues,
  name: string,
): Promise<{ path: string; definition: FunctionDefinition } | undefined> {
  const [first] = program;
  const path = build || (program.length === 1 && first !== undefined ? first : undefined);
  if (path === undefined || !isFile(join(path, "function.json"))) return undefined;
  if (build && isFile(join(build, "Dockerfile"))) return undefined;
  const definition = await readDefinition(path, name);
  if (definition?.programs !== undefined) return { path, definition };
  if (build) return undefined;
  throw new LlamaError("config", `${join(path, "function.json")} names no "programs"`, {
    hint: '-program takes a program, or a folder whose function.json has "programs"',
  });
}

/**
 * Prints what would go into the image: each file with its reason.
 *
 * @param packed What was found.
 * @param name The function's name.
 * @param context The output.
 */
export async function listFiles(
  { pack }: PackedPrograms,
  name: string,
  { output }: CommandContext,
): Promise<void> {
  const { entries, leftOut, missing } = pack.plan;
  const lines = entries.toSorted((a, b) => a.path < b.path ? -1 : 1)
    .filter(({ kind }) => kind !== "directory")
    .map(({ path, target, reason }) =>
      `${printableLine(path + (target === undefined ? "" : ` -> ${target}`))}\t${
        printableLine(reason)
      }\n`
    );
  await output.data(lines.join(""));
  for (const { path, reason } of leftOut) {
    await output.message(`left out: ${path}: ${reason}`);
  }
  for (const what of missing) await output.message(`not on this machine: ${what}`);
  await output.message(`${name}: ${amountsText(pack.amounts)}`);
}

/** An update of one function. */
export interface FunctionUpdate {
  /** The function's name. */
  readonly name: string;
  /** The function as it is; undefined if there is none. */
  readonly current: DeployedFunction | undefined;
  /** The flags' values. */
  readonly values: UpdateFunctionValues;
  /** Environment, output and signal. */
  readonly context: CommandContext;
  /** The account and the settings. */
  readonly aws: Aws;
}

/**
 * Checks the image, pushes it where it is not there already, and says how much that was.
 *
 * @param packed What goes into it.
 * @param update The function, whose name is the image's tag.
 * @returns The image by its digest.
 * @throws {LlamaError} `usage` if something is missing in the image; as the registry.
 */
export async function pushPrograms(
  { pack, check }: PackedPrograms,
  { name, current, values: { registry: named }, context, aws: { client, settings } }:
    FunctionUpdate,
): Promise<string> {
  const { environment, output, signal } = context;
  const [{ openRepository }, { LayerNote }] = await Promise.all([
    import("../image/target.ts"),
    import("../image/known_layers.ts"),
  ]);
  const repository = repositoryOf(settings.repository, named || undefined);
  using registry = await openRepository(repository, client, environment);
  const known = new LayerNote(environment);
  const stack = settings.stack ?? defaultStackName;
  using image = await pack.prepare(registry, { tag: name, stack, known });
  const uri = `${repository.host}/${repository.name}@${image.digest}`;
  await output.line(`${name}: ${amountsText(pack.amounts)} (${sizesText(image)})`);
  await tellLeftOut(pack, context);
  if (!image.isThere || current?.image !== uri) await checkPack(pack, check, context);
  await image.push({
    signal,
    onProgress: (layer, sent, size) => {
      if (!output.isTerminal) return;
      void output.status([`sending the ${layer}: ${bytesText(sent)} of ${bytesText(size)}`]);
    },
  });
  if (output.isTerminal) await output.status([]);
  // Only what the registry has taken is worth remembering.
  await known.save();
  return uri;
}

/** Reports requested files that were left out, since a job may need them. */
async function tellLeftOut({ plan }: Pack, { output }: CommandContext): Promise<void> {
  const [first, ...others] = plan.leftOut.filter(({ layer }) => layer === "programs");
  if (first === undefined) return;
  const more = others.length === 0 ? "" : `; ${others.length} more: -dry-run lists them`;
  await output.message(`left out: ${first.path}: ${first.reason}${more}`);
}

async function checkPack(
  pack: Pack,
  check: readonly string[] | undefined,
  { output }: CommandContext,
): Promise<void> {
  if (check?.length === 0) return;
  const verdict = await pack.check(check);
  if (verdict.kind === "unknown") await output.message(`not checked: ${verdict.reason}`);
}

/**
 * How much there is in an image, in words.
 *
 * @param amounts How much.
 * @returns Such as `1 program, 9 packages, 214 files, 11 MB + runtime 92 MB`.
 */
export function amountsText(
  { programs, packages, files, bytes, runtimeBytes }: ImageAmounts,
): string {
  return [
    countText(programs, "program"),
    countText(packages, "package"),
    countText(files, "file"),
    `${bytesText(bytes)} + runtime ${bytesText(runtimeBytes)}`,
  ].join(", ");
}

function sizesText({ bytesToSend }: PreparedImage): string {
  const runtime = bytesToSend.get("runtime") ?? 0;
  const rest = [...bytesToSend.values()].reduce((sum, bytes) => sum + bytes, 0) - runtime;
  if (rest + runtime === 0) return "nothing to send";
  const text = [rest, runtime].filter((bytes) => bytes > 0).map(bytesText).join(" + ");
  // One unit is enough where it is the same.
  return `${text.replace(/ (\w+)(?= \+ \S+ \1$)/, "")} to send`;
}

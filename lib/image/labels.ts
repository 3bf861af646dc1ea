/**
 * What is written on an image: the programs in it, and where they came from.
 *
 * @module
 */

import type { PackedProgram } from "./plan.ts";
import { version } from "../version.ts";
import * as z from "../zod.ts";
import type { ImagePlan } from "./plan.ts";

/** What llama's labels say of an image. */
export interface ImageContents {
  /** The programs. */
  readonly programs: readonly PackedProgram[];
  /** Packages with their versions. */
  readonly packages: readonly { readonly name: string; readonly version: string }[];
  /** The stack that the image belongs to. */
  readonly stack: string;
  /** Which llama the runtime is of. */
  readonly runtime: string;
}

/** Labels by what they say. */
const names = {
  programs: "llama.programs",
  packages: "llama.packages",
  stack: "llama.stack",
  runtime: "llama.runtime",
} as const;

/**
 * Returns the labels of an image.
 *
 * @param plan What is in it.
 * @param stack The stack that it belongs to.
 */
export function labelsOf(
  { programs, packages }: Pick<ImagePlan, "programs" | "packages">,
  stack: string,
): Record<string, string> {
  const versions = packages.map(({ name, version }) => `${name}=${version}`);
  return {
    [names.programs]: JSON.stringify(programs),
    [names.packages]: versions.sort().join(" "),
    [names.stack]: stack,
    [names.runtime]: version,
  };
}

/**
 * Reads the labels of an image.
 *
 * @param labels All its labels.
 * @returns What they say; undefined if the image was not made by llama of programs.
 */
export function readLabels(labels: Readonly<Record<string, string>>): ImageContents | undefined {
  const programs = parsePrograms(labels[names.programs]);
  const { [names.stack]: stack, [names.runtime]: runtime } = labels;
  if (programs === undefined || stack === undefined || runtime === undefined) return undefined;
  const packages = (labels[names.packages] ?? "").split(" ").filter((text) => text !== "")
    .map((text) => {
      const [name = "", ...version] = text.split("=");
      return { name, version: version.join("=") };
    });
  return { programs, packages, stack, runtime };
}

const programsSchema = z.array(
  z.object({ path: z.string(), package: z.optional(z.string()) }),
);

function parsePrograms(json: string | undefined): PackedProgram[] | undefined {
  try {
    const parsed = programsSchema.safeParse(JSON.parse(json ?? ""));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Someone else's label.
    return undefined;
  }
}

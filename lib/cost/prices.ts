/**
 * AWS prices, with their date and source.
 *
 * They are prices of on-demand invocations in US dollars without tax, in the first tier of duration
 * (the first 6 billion GB-seconds per month on x86_64, 7.5 billion on arm64). They do not include
 * the free tier, savings plans, ephemeral storage over 512 MB or data transfer.
 *
 * @module
 */

import type { Architecture } from "../functions/architecture.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import * as z from "../zod.ts";

export type { Architecture };

/** The prices of one region, in US dollars. */
export interface RegionPrices {
  /** Per GB-second on x86_64. */
  readonly x86_64: number;
  /** Per GB-second on arm64. */
  readonly arm64: number;
  /** Per invocation. */
  readonly request: number;
  /** Per PUT request to S3. */
  readonly s3Put: number;
  /** Per GET or HEAD request to S3. */
  readonly s3Get: number;
  /** Whether the region's prices are unknown and these are another region's. @default {false} */
  readonly isGuess?: boolean;
}

/** The prices of all regions. */
export interface PriceTable {
  /** The date of the prices, `YYYY-MM-DD`. */
  readonly date: string;
  /** The source of the prices. */
  readonly source: string;
  /** The prices of regions that are not in `regions`. */
  readonly default: RegionPrices;
  /** Prices that differ from the default, by region. */
  readonly regions: Readonly<Record<string, Partial<RegionPrices>>>;
}

/**
 * The built-in prices. Most regions have the default prices for Lambda and are not listed. For
 * il-central-1 only the price of x86_64 was found; arm64 is a fifth below it, as everywhere. S3
 * prices are those of us-east-1; other regions differ by up to two millionths of a dollar per
 * request.
 */
export const defaultPrices: PriceTable = {
  date: "2026-09-19",
  source: "AWS Price List for the default, AWS Pricing Calculator for the regions; see " +
    "https://aws.amazon.com/lambda/pricing/ and https://aws.amazon.com/s3/pricing/",
  default: {
    x86_64: 0.0000166667,
    arm64: 0.0000133334,
    request: 0.2e-6,
    s3Put: 5e-6,
    s3Get: 0.4e-6,
  },
  regions: {
    "af-south-1": { x86_64: 0.0000221, arm64: 0.00001768, request: 0.27e-6 },
    "ap-east-1": { x86_64: 0.00002292, arm64: 0.0000183, request: 0.28e-6 },
    "ap-southeast-5": { x86_64: 0.000015, arm64: 0.000012, request: 0.18e-6 },
    "eu-central-2": { x86_64: 0.0000183334, arm64: 0.0000146667, request: 0.22e-6 },
    "eu-south-1": { x86_64: 0.0000195172, arm64: 0.0000156138, request: 0.23e-6 },
    "il-central-1": { x86_64: 0.0000175, arm64: 0.000014, request: 0.21e-6 },
    "me-central-1": { x86_64: 0.0000206667, arm64: 0.0000165334, request: 0.25e-6 },
    "me-south-1": { x86_64: 0.0000206667, arm64: 0.0000165334, request: 0.25e-6 },
  },
};

/**
 * Returns the prices of a region.
 *
 * @param table The prices of all regions.
 * @param region The name of the region.
 * @returns The region's own prices, or else the default. For regions in China, whose prices are in
 * yuan and not built in, the default is a guess.
 */
export function pricesOf(table: PriceTable, region: string): RegionPrices {
  const own = Object.hasOwn(table.regions, region) ? table.regions[region] : undefined;
  const isGuess = table === defaultPrices && region.startsWith("cn-");
  return { ...table.default, ...own, ...(isGuess ? { isGuess } : {}) };
}

const tableSchema = z.onFirstUse(() => {
  const dollars = z.number().check(z.minimum(0));
  const prices = {
    x86_64: dollars,
    arm64: dollars,
    request: dollars,
    s3Put: dollars,
    s3Get: dollars,
  };
  const optional = z.optional(dollars);
  const ownPrices = z.strictObject({
    x86_64: optional,
    arm64: optional,
    request: optional,
    s3Put: optional,
    s3Get: optional,
  });
  return z.strictObject({
    date: z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/, "is not a date (YYYY-MM-DD)")),
    source: z.string(),
    default: z.strictObject(prices),
    regions: z.optional(z.record(z.string(), ownPrices)),
  });
});

/**
 * Reads prices that replace the built-in ones.
 *
 * @param path A JSON file in the form of {@linkcode PriceTable}; `regions` is optional.
 * @returns The prices.
 * @throws {LlamaError} `config` if the file cannot be read or is not in that form.
 */
export async function readPrices(path: string): Promise<PriceTable> {
  const name = JSON.stringify(path);
  let value: unknown;
  try {
    value = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw new LlamaError("config", `cannot read the prices in ${name}: ${reasonOf(cause)}`, {
      cause,
      hint: cause instanceof SyntaxError ? example : undefined,
    });
  }
  const parsed = tableSchema().safeParse(value);
  if (parsed.success) {
    const { regions = {}, ...rest } = parsed.data;
    return { ...rest, regions: Object.fromEntries(Object.entries(regions).map(defined)) };
  }
  const issue = parsed.error.issues[0];
  const field = issue?.path.map(String).join(".") || "the file";
  throw new LlamaError(
    "config",
    `${name} is not a valid price table: ${field}: ${issue?.message}`,
    {
      hint: example,
    },
  );
}

const example = "see the example in docs/runs.md";

/** Drops undefined prices: `exactOptionalPropertyTypes` distinguishes them from absent ones. */
function defined(
  [region, own]: [string, Record<string, number | undefined>],
): [string, Partial<RegionPrices>] {
  return [region, Object.fromEntries(Object.entries(own).filter(([, v]) => v !== undefined))];
}

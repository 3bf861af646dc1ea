/**
 * What AWS asks for: data, with its date and source.
 *
 * Prices are those of a function's on-demand invocations in US dollars without tax, in the first
 * tier of duration (the first 6 thousand million GB-seconds a month on x86_64, 7.5 on arm64), without
 * the free tier, savings plans, ephemeral storage over 512 MB and data transfer.
 *
 * @module
 */

import type { Architecture } from "../aws/lambda_function.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import * as z from "../zod.ts";

export type { Architecture };

/** What AWS asks for in one region, in US dollars. */
export interface RegionPrices {
  /** For a second of a gigabyte of a function's memory, on x86_64. */
  readonly x86_64: number;
  /** The same on arm64. */
  readonly arm64: number;
  /** For an invocation. */
  readonly request: number;
  /** For a PUT request to S3. */
  readonly s3Put: number;
  /** For a GET or a HEAD request to S3. */
  readonly s3Get: number;
  /** Whether they are another region's, since this one's are not known. @default {false} */
  readonly isGuess?: boolean;
}

/** Prices of all regions. */
export interface PriceTable {
  /** When they were looked up, `YYYY-MM-DD`. */
  readonly date: string;
  /** Where they are from. */
  readonly source: string;
  /** The prices where a region has none of its own. */
  readonly default: RegionPrices;
  /** What is different in a region, by its name. */
  readonly regions: Readonly<Record<string, Partial<RegionPrices>>>;
}

/**
 * The prices that are built in. The regions that are not listed, as most, have the default's prices
 * for Lambda. Where only the price of x86_64 was found, arm64 is a fifth below it, as everywhere
 * (il-central-1). S3's are those of us-east-1 everywhere: other regions differ by up to two
 * millionths of a dollar a request.
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
 * The prices of a region.
 *
 * @param table All prices.
 * @param region The region's name.
 * @returns Its own where it has some, else the default. China has prices of its own, in yuan, which
 * are not built in: there the default is a guess.
 */
export function pricesOf(table: PriceTable, region: string): RegionPrices {
  const own = Object.hasOwn(table.regions, region) ? table.regions[region] : undefined;
  const isGuess = table === defaultPrices && region.startsWith("cn-");
  return { ...table.default, ...own, ...(isGuess ? { isGuess } : {}) };
}

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
const tableSchema = z.strictObject({
  date: z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/, "is not a date (YYYY-MM-DD)")),
  source: z.string(),
  default: z.strictObject(prices),
  regions: z.optional(z.record(z.string(), ownPrices)),
});

/**
 * Reads prices that replace those built in.
 *
 * @param path A JSON file of the form of {@linkcode PriceTable}; `regions` may be absent.
 * @returns The prices.
 * @throws {LlamaError} `config` if it cannot be read or is something else.
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
  const parsed = tableSchema.safeParse(value);
  if (parsed.success) {
    const { regions = {}, ...rest } = parsed.data;
    return { ...rest, regions: Object.fromEntries(Object.entries(regions).map(defined)) };
  }
  const issue = parsed.error.issues[0];
  const field = issue?.path.map(String).join(".") || "the file";
  throw new LlamaError("config", `${name} is no table of prices: ${field}: ${issue?.message}`, {
    hint: example,
  });
}

const example = "docs/runs.md has an example";

/** Under strict types a price that is absent is not one that is undefined. */
function defined(
  [region, own]: [string, Record<string, number | undefined>],
): [string, Partial<RegionPrices>] {
  return [region, Object.fromEntries(Object.entries(own).filter(([, v]) => v !== undefined))];
}

/**
 * llama's settings: their names, and the values that they take.
 *
 * @module
 */

import { closest } from "./text/closest.ts";

/** The settings in the file; all are optional. */
export interface Settings {
  /** The AWS region that llama was set up in. */
  readonly region?: string | undefined;
  /** The object store's URL. */
  readonly store?: string | undefined;
  /** The ARN of the role that functions run as. */
  readonly role?: string | undefined;
  /** The ARN of the runtime's layer version for x86_64. */
  readonly layer?: string | undefined;
  /** The ARN of the runtime's layer version for arm64. */
  readonly layerArm64?: string | undefined;
  /** The URI of the ECR repository that images are pushed to, without a tag. */
  readonly repository?: string | undefined;
  /** The name of the CloudFormation stack that all of it belongs to. */
  readonly stack?: string | undefined;
  /** Whether runs have a journal: `on` or `off`. */
  readonly journal?: string | undefined;
  /** The `-max-cost` of runs that have none, in US dollars. */
  readonly maxCost?: string | undefined;
}

/** The name of a setting. */
export type SettingName = keyof Settings;

/** The description of a setting. */
interface SettingDescription {
  /** A short description. */
  readonly what: string;
  /** The environment variables that override it. */
  readonly variables: readonly string[];
  /** The valid values. */
  readonly pattern: RegExp;
  /** The valid values in words. */
  readonly mustBe: string;
}

const layerVersion = {
  pattern: /^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:layer:[\w-]+:\d+$/,
  mustBe: "the ARN of a layer version, including its number",
};

/** The settings. */
export const settingNames: Readonly<Record<SettingName, SettingDescription>> = {
  region: {
    what: "AWS region",
    variables: ["AWS_REGION", "AWS_DEFAULT_REGION"],
    pattern: /^[a-z]{2,4}(-[a-z]+)+-\d+$/,
    mustBe: "an AWS region, such as us-west-2",
  },
  store: {
    what: "object store",
    variables: ["LLAMA_OBJECT_STORE"],
    pattern: /^(s3|file):\/\/./,
    mustBe: "s3://BUCKET/PREFIX/ or file:///DIRECTORY",
  },
  role: {
    what: "role of the functions",
    variables: ["LLAMA_ROLE"],
    pattern: /^arn:[a-z-]+:iam::\d{12}:role\/./,
    mustBe: "the ARN of a role",
  },
  layer: { what: "runtime layer for x86_64", variables: ["LLAMA_LAYER"], ...layerVersion },
  layerArm64: {
    what: "runtime layer for arm64",
    variables: ["LLAMA_LAYER_ARM64"],
    ...layerVersion,
  },
  repository: {
    what: "ECR repository for images",
    variables: ["LLAMA_REPOSITORY"],
    pattern: /^[\w.:-]+(\/[a-z0-9._-]+)+$/,
    mustBe: "the URI of a repository, without a tag",
  },
  stack: {
    what: "CloudFormation stack",
    variables: ["LLAMA_STACK"],
    // CloudFormation allows 128, but the layer's name, which adds a suffix to it, is limited to 140.
    pattern: /^[A-Za-z][A-Za-z0-9-]{0,99}$/,
    mustBe: "1 to 100 letters, digits and -, starting with a letter",
  },
  journal: {
    what: "journal of runs",
    variables: ["LLAMA_JOURNAL"],
    pattern: /^(on|off)$/,
    mustBe: "on or off",
  },
  maxCost: {
    what: "-max-cost of every run",
    variables: ["LLAMA_MAX_COST"],
    pattern: /^(?=.*[1-9])(\d+\.?\d*|\.\d+)$/,
    mustBe: "a positive number of US dollars, such as 5",
  },
};

/** Reports whether a setting is a preference, rather than the name of a resource in AWS. */
export function isPreference(name: string): boolean {
  return name === "journal" || name === "maxCost";
}

/** Returns the settings that are preferences, which hold for any stack. */
export function preferencesOf(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => isPreference(name)));
}

/**
 * Reports whether a word names a setting.
 *
 * @param name The word.
 * @returns True if it does.
 */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settingNames, name);
}

/**
 * Returns a hint for an unknown setting.
 *
 * @param name The name as written.
 * @returns A hint.
 */
export function settingHint(name: string): string {
  const names = Object.keys(settingNames);
  const near = closest(name, names);
  return near === undefined ? `the settings are ${names.join(", ")}` : `did you mean ${near}?`;
}

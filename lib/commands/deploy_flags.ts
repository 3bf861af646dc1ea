/**
 * Flags and checks that the setup commands share.
 *
 * @module
 */

import type { Architecture } from "../aws/lambda_function.ts";
import { type Flag, FlagValueError, intFlag, stringFlag, valueFlag } from "../flags.ts";
import { quote } from "../template/quote.ts";
import type { UsageProblem } from "./command.ts";

/** The region; the same as the global flag. */
export const regionFlag: Flag<string> = stringFlag({ help: "AWS region", placeholder: "REGION" });

/** The CloudFormation stack. */
export const stackFlag: Flag<string> = stringFlag({
  help: "name of the CloudFormation stack (default llama)",
  placeholder: "NAME",
});

/**
 * Creates a flag for an architecture.
 *
 * @param help Its help text.
 * @returns The flag; its value is undefined if it is not given.
 */
export function architectureFlag(help: string): Flag<Architecture | undefined> {
  const initial: Architecture | undefined = undefined;
  return valueFlag<Architecture | undefined>(
    { help, placeholder: "x86_64|arm64", default: initial },
    (text) => {
      if (text === "x86_64" || text === "arm64") return text;
      throw new FlagValueError(
        `${quote(text)} is not an architecture that Lambda supports`,
        "write x86_64 or arm64",
      );
    },
  );
}

/**
 * Creates a flag for an integer within bounds.
 *
 * @param help Its help text.
 * @param unit The unit; in capitals, the placeholder in help texts.
 * @param least The smallest value.
 * @param most The largest value.
 * @returns The flag; its value is undefined if it is not given.
 */
export function boundedFlag(
  help: string,
  unit: string,
  least: number,
  most: number,
): Flag<number | undefined> {
  const { read, ...flag } = intFlag({
    help: `${help}, ${least} to ${most} ${unit}`,
    placeholder: unit.toUpperCase(),
  });
  return {
    ...flag,
    read(text, before) {
      const value = read(text, before);
      if (value !== undefined && value >= least && value <= most) return value;
      throw new FlagValueError("value out of range", `write ${least} to ${most} ${unit}`);
    },
  };
}

/**
 * Checks that the only argument is a function name.
 *
 * @param args The arguments after the flags.
 * @returns The problem, or undefined.
 */
export function oneFunctionName(args: readonly string[]): UsageProblem | undefined {
  const [name, extra] = args;
  if (!name) return { message: "no function name" };
  if (extra?.startsWith("-")) {
    return {
      message: `${extra} comes after the function name`,
      hint: `write flags before ${name}`,
    };
  }
  if (extra !== undefined) return { message: `more than one function name: ${quote(extra)}` };
  // https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html, FunctionName
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    return {
      message: `${quote(name)} is not a function name`,
      hint: "use 1 to 64 letters, digits, - and _",
    };
  }
  return undefined;
}

/**
 * Checks that there are no arguments.
 *
 * @param command The command's name.
 * @param args The arguments after the flags.
 * @returns The problem, or undefined.
 */
export function noArguments(command: string, args: readonly string[]): UsageProblem | undefined {
  const [arg] = args;
  return arg === undefined
    ? undefined
    : { message: `${command} takes no arguments: ${quote(arg)}` };
}

/**
 * Flags that several of the commands have which set things up, and their checks.
 *
 * @module
 */

import type { Architecture } from "../aws/lambda_function.ts";
import { type Flag, FlagValueError, intFlag, stringFlag, valueFlag } from "../cli/flags.ts";
import { quote } from "../template/quote.ts";
import type { UsageProblem } from "../cli/command.ts";

/** The region, as the global flag of that name has it too. */
export const regionFlag: Flag<string> = stringFlag({ help: "AWS region", placeholder: "REGION" });

/** The CloudFormation stack. */
export const stackFlag: Flag<string> = stringFlag({
  help: "name of the CloudFormation stack (default llama)",
  placeholder: "NAME",
});

/**
 * A processor.
 *
 * @param help What it is for.
 * @returns The flag, undefined where it is not given.
 */
export function architectureFlag(help: string): Flag<Architecture | undefined> {
  const initial: Architecture | undefined = undefined;
  return valueFlag<Architecture | undefined>(
    { help, placeholder: "x86_64|arm64", default: initial },
    (text) => {
      if (text === "x86_64" || text === "arm64") return text;
      throw new FlagValueError(
        `${quote(text)} is no processor of Lambda's`,
        "write x86_64 or arm64",
      );
    },
  );
}

/**
 * A whole number within bounds.
 *
 * @param help What it is for.
 * @param unit What it counts, which in capitals stands for it in help texts.
 * @param least The smallest.
 * @param most The biggest.
 * @returns The flag, undefined where it is not given.
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
 * Checks that a command that takes one name got one.
 *
 * @param args The arguments after the flags.
 * @returns What is wrong, or undefined.
 */
export function oneFunctionName(args: readonly string[]): UsageProblem | undefined {
  const [name, extra] = args;
  if (!name) return { message: "no function name" };
  if (extra?.startsWith("-")) {
    return { message: `${extra} comes after the name`, hint: `flags go before the name ${name}` };
  }
  if (extra !== undefined) return { message: `more than one function name: ${quote(extra)}` };
  // https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html, FunctionName
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    return {
      message: `${quote(name)} is no function name`,
      hint: "a function's name is 1 to 64 letters, digits, - and _",
    };
  }
  return undefined;
}

/**
 * Checks that a command that takes no arguments got none.
 *
 * @param command The command's name.
 * @param args The arguments after the flags.
 * @returns What is wrong, or undefined.
 */
export function noArguments(command: string, args: readonly string[]): UsageProblem | undefined {
  const [arg] = args;
  return arg === undefined
    ? undefined
    : { message: `${command} takes no arguments: ${quote(arg)}` };
}

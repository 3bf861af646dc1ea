/**
 * Environment variables that a function's configuration may not set, or not to any value.
 *
 * @module
 */

// Lambda sets these itself and refuses them in a function's configuration:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
const reservedVariable =
  /^(_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_REGION|REGION|EXECUTION_ENV|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|AWS_LAMBDA_(FUNCTION_NAME|FUNCTION_MEMORY_SIZE|FUNCTION_VERSION|INITIALIZATION_TYPE|LOG_GROUP_NAME|LOG_STREAM_NAME|RUNTIME_API)|LAMBDA_(TASK_ROOT|RUNTIME_DIR))$/;

/**
 * Whether Lambda sets an environment variable itself, and refuses it in a function's configuration.
 *
 * @param name The variable's name.
 * @returns True if it does.
 */
export function isReservedVariable(name: string): boolean {
  return reservedVariable.test(name);
}

/**
 * Says what is wrong with the value of an environment variable. Deno ends a compiled program whose
 * TMPDIR is empty or relative before a line of the runtime is run, so that Lambda is told nothing.
 *
 * @param name The variable's name.
 * @param value Its value.
 * @returns What it must be; undefined if it is all right.
 */
export function badValue(name: string, value: string): string | undefined {
  return name === "TMPDIR" && !(value.startsWith("/") && !value.split("/").includes(".."))
    ? 'must be an absolute path without "..", or the runtime does not start'
    : undefined;
}

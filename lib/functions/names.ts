/**
 * The names that Lambda takes: of functions, and of their environment variables.
 *
 * @module
 */

/** https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html, FunctionName */
export const functionNamePattern = /^[A-Za-z0-9_-]{1,64}$/;

/** The rule for names of functions, in words. */
export const functionNameRule = "a function name has 1 to 64 letters, digits, - and _";

/**
 * Returns whether Lambda takes a function's name.
 *
 * @param name The name, without version or account.
 */
export function isFunctionName(name: string): boolean {
  return functionNamePattern.test(name);
}

// Lambda sets these itself and refuses them in a function's configuration:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
const reservedVariable =
  /^(_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_REGION|REGION|EXECUTION_ENV|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|AWS_LAMBDA_(FUNCTION_NAME|FUNCTION_MEMORY_SIZE|FUNCTION_VERSION|INITIALIZATION_TYPE|LOG_GROUP_NAME|LOG_STREAM_NAME|RUNTIME_API)|LAMBDA_(TASK_ROOT|RUNTIME_DIR))$/;

/**
 * Reports whether Lambda reserves an environment variable.
 *
 * @param name The variable's name.
 * @returns True if it does.
 */
export function isReservedVariable(name: string): boolean {
  return reservedVariable.test(name);
}

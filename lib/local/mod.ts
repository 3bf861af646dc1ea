/**
 * The emulator: Lambda's Invoke API on loopback, and runtimes in local processes.
 *
 * @module
 */

export { loadFunctions, type LoadFunctionsOptions, type LocalFunction } from "./functions.ts";
export { LocalLambda, type LocalLambdaOptions } from "./local_lambda.ts";
export { runtimeCommand, runtimeSubcommand } from "./runtime_command.ts";

/**
 * The definition of `llama local`: flags, help and validation.
 *
 * @module
 */

import type { Command } from "../../cli/command.ts";
import { FlagValueError, intFlag, valueFlag } from "../../cli/flags.ts";
import { isLoopback } from "../../system/loopback.ts";
import { quote } from "../../template/quote.ts";
import { entries } from "./entries.ts";
import { atLeastOne } from "./numbers.ts";
import { examplesFor, noArguments } from "./shared.ts";

/** The address that `llama local` listens on. */
export interface ListenAddress {
  /** A loopback host, an IPv6 one without its brackets. */
  readonly hostname: string;
  /** The port; 0 for any free one. */
  readonly port: number;
}

/**
 * Parses `HOST:PORT`, where HOST is on loopback.
 *
 * @param text The address as written.
 * @returns Its host and port.
 * @throws {FlagValueError} If the host is not on loopback, or the port is invalid.
 */
export function parseListenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(colon, 0));
  const port = text.slice(colon + 1);
  const hint = "write 127.0.0.1:PORT, with port 0 for any free one";
  if (colon < 0 || !/^[0-9]{1,5}$/.test(port) || Number(port) > 65535) {
    throw new FlagValueError("the port is not a number from 0 to 65535", hint);
  }
  if (!isLoopback(host) || !URL.canParse(`http://${host}`)) {
    throw new FlagValueError(`${quote(host)} is not a loopback host`, hint);
  }
  return { hostname: host === "[::1]" ? "::1" : host, port: Number(port) };
}

const defaultListen: ListenAddress = { hostname: "127.0.0.1", port: 3001 };

/** The flags of `llama local`. */
export const localFlags = {
  // The port of `sam local start-lambda`, so that its clients work unchanged.
  listen: valueFlag({
    help: "loopback address to listen on; port 0 picks a free one (default 127.0.0.1:3001)",
    placeholder: "127.0.0.1:PORT",
    default: defaultListen,
  }, parseListenAddress),
  concurrency: intFlag({
    help: "invocations to run at once (default: one per processor)",
    placeholder: "N",
  }),
} as const;

/** The definition of `llama local`. */
export const localCommand: Command<typeof localFlags> = {
  ...entries.local,
  usage: "",
  details: `Runs functions on this machine and serves Lambda's Invoke API for them until
interrupted. The functions are those of the global flags -functions and
-function.`,
  examples: () => examplesFor("local"),
  flags: localFlags,
  validate(values, args) {
    return noArguments("local", args) ?? atLeastOne("concurrency", values.concurrency);
  },
};

/**
 * What `llama local` accepts.
 *
 * @module
 */

import type { Command } from "../../cli/command.ts";
import { FlagValueError, intFlag, valueFlag } from "../../cli/flags.ts";
import { isLoopback } from "../../system/loopback.ts";
import { quote } from "../../template/quote.ts";
import { atLeastOne, noArguments } from "./shared.ts";

/** Where `llama local` listens. */
export interface ListenAddress {
  /** A loopback host, an IPv6 one without its brackets. */
  readonly hostname: string;
  /** The port, 0 for any that is free. */
  readonly port: number;
}

/**
 * Reads `HOST:PORT` with a host that no other machine reaches.
 *
 * @param text The address as written.
 * @returns Its two parts.
 * @throws {FlagValueError} If the host is no loopback host, or the port is none.
 */
export function parseListenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(colon, 0));
  const port = text.slice(colon + 1);
  const hint = "write 127.0.0.1:PORT, with port 0 for any free one";
  if (colon < 0 || !/^[0-9]{1,5}$/.test(port) || Number(port) > 65535) {
    throw new FlagValueError("no port from 0 to 65535", hint);
  }
  if (!isLoopback(host) || !URL.canParse(`http://${host}`)) {
    throw new FlagValueError(`${quote(host)} is not a loopback host`, hint);
  }
  return { hostname: host === "[::1]" ? "::1" : host, port: Number(port) };
}

const defaultListen: ListenAddress = { hostname: "127.0.0.1", port: 3001 };

/** The flags of `llama local`. */
export const localFlags = {
  // The port of `sam local start-lambda`, so that what talks to the one finds the other.
  listen: valueFlag({
    help: "where to listen, on loopback only; port 0 takes a free one (default 127.0.0.1:3001)",
    placeholder: "127.0.0.1:PORT",
    default: defaultListen,
  }, parseListenAddress),
  concurrency: intFlag({
    help: "invocations at once (default: one a processor)",
    placeholder: "N",
  }),
} as const;

/** `llama local` as data. */
export const localCommand: Command<typeof localFlags> = {
  name: "local",
  summary: "serve Lambda's Invoke API on this machine",
  usage: "",
  group: "On this machine",
  details: `Runs functions on this machine and answers Lambda's Invoke API for them until
interrupted. The functions are those of the global flags -functions and
-function.`,
  examples: [
    {
      text: "serve the functions of a folder",
      command: "llama -functions images local -listen 127.0.0.1:3001",
    },
  ],
  flags: localFlags,
  validate(values, args) {
    return noArguments("local", args) ?? atLeastOne("concurrency", values.concurrency);
  },
};

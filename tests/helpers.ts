/** What many tests need. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { libc } from "../lib/system/libc.ts";

// It stays open until the process ends, which Deno 2.6 takes for a leak of the test that opens it.
libc();

/** A directory that is gone at the end of the test. */
export class TemporaryDirectory implements AsyncDisposable {
  readonly path: string;

  constructor() {
    this.path = Deno.makeTempDirSync({ prefix: "llama-test-" });
  }

  /** A path in it. */
  join(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Writes a file in it, with the directories above; gives its path. */
  async write(name: string, contents: string | Uint8Array, mode = 0o644): Promise<string> {
    const path = this.join(name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeFile(path, typeof contents === "string" ? bytesOf(contents) : contents);
    await Deno.chmod(path, mode);
    return path;
  }

  /** The names of all files and directories below it, in order. */
  async list(below = ""): Promise<string[]> {
    const names = [];
    for await (const { name, isDirectory } of Deno.readDir(this.join(below))) {
      const path = below === "" ? name : `${below}/${name}`;
      names.push(path, ...isDirectory ? await this.list(path) : []);
    }
    return names.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** UTF-8. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** The text of bytes that are UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** Bytes that do not compress and are no text: a linear congruential generator's. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Lines as of a web server's log, which compress well; the same for the same length and seed. */
export function accessLog(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const random = noise(Math.ceil(length / 8), seed);
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(length);
  for (let filled = 0, line = 0; filled < length; line++) {
    const [a = 0, b = 0, c = 0, d = 0] = random.subarray(line * 4, line * 4 + 4);
    const text = `10.${a % 4}.0.${b} - - [27/Nov/2026:14:${line % 60}:${c % 60} +0000] ` +
      `"GET /products/${c * 256 + d}?page=${a % 16} HTTP/1.1" 200 ${
        d * 256 + b
      } "-" "curl/8.5.0"\n`;
    filled += encoder.encodeInto(text, bytes.subarray(filled)).written;
  }
  return bytes;
}

/** Waits until something holds; fails after a time that only a hung program takes. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  milliseconds = 20_000,
): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!await condition()) {
    assert(performance.now() < end, `waited ${milliseconds} ms until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether a process is there and has not ended. */
export function isAlive(pid: number): boolean {
  try {
    // A zombie has ended, and waits only for its parent to look.
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** Waits until a process has ended: one that was killed may take a moment. */
export async function untilDead(pid: number, milliseconds = 5000): Promise<void> {
  assert(pid > 0);
  await until(() => !isAlive(pid), `process ${pid} has ended`, milliseconds);
}

/** A test that is ignored where one of some variables is not set; its name says which. */
export function testWith(
  variables: readonly string[],
  name: string,
  fn: () => Promise<void>,
): void {
  const unset = variables.filter((variable) => !Deno.env.get(variable));
  const ignore = unset.length > 0;
  Deno.test({ name: ignore ? `${name} (not set: ${unset.join(", ")})` : name, ignore, fn });
}

/**
 * Failures of jobs, grouped by what went wrong.
 *
 * @module
 */

import { printableLine } from "../text/printable.ts";
import type { JobRecord } from "./record.ts";

/** Jobs that failed in the same way. */
export interface FailureKind {
  /** Its number, which {@linkcode FailureKinds.add} returns. */
  readonly id: number;
  /** How they ended, such as `status 2` or `Sandbox.Timedout`. */
  readonly how: string;
  /** Their last message, with `...` where they differ; empty if there is none. */
  readonly words: string;
  /** The number of jobs. */
  readonly count: number;
  /** The numbers, from 1, of those that ended first. */
  readonly jobs: readonly number[];
}

/** The maximum number of kinds, which bounds the memory of long runs. */
const maxKinds = 200;

/** The number of jobs named per kind. */
const maxJobsNamed = 5;

/** How many characters of a message are compared. */
const maxMessageLength = 200;

/** How many bytes of the end of standard error are read. */
const tailBytes = 2048;

/** Replaces words that differ. */
const gap = "...";

interface Kind {
  readonly id: number;
  readonly how: string;
  words: readonly string[];
  count: number;
  readonly jobs: number[];
}

/** Groups the failures of a run while it goes on. */
export class FailureKinds {
  readonly #kinds = new Map<string, Kind>();

  /**
   * Adds a job that failed.
   *
   * @param record Its record.
   * @param stderr Its command's standard error.
   * @returns The number of its kind, and whether it is the first of it.
   */
  add(record: JobRecord, stderr: Uint8Array | undefined): { id: number; isFirst: boolean } {
    const how = howItEnded(record);
    const said = record.status ? lastLine(stderr) : record.errors[0]?.message ?? "";
    const words = wordsOf(said, record);
    let key = [how, ...words.map((word) => varies(word, record) ? gap : word)].join(" ");
    if (!this.#kinds.has(key) && this.#kinds.size >= maxKinds) key = how;
    const kind = this.#kinds.get(key);
    if (kind === undefined) {
      const isRest = key === how && words.length > 0;
      const id = this.#kinds.size;
      const kept = isRest ? [gap] : words;
      this.#kinds.set(key, { id, how, words: kept, count: 1, jobs: [record.seq] });
      return { id, isFirst: true };
    }
    kind.count++;
    if (kind.jobs.length < maxJobsNamed) kind.jobs.push(record.seq);
    if (kind.words.length === words.length) {
      kind.words = kind.words.map((word, at) => common(word, words[at] ?? ""));
    }
    return { id: kind.id, isFirst: false };
  }

  /** The kinds of failure, the most frequent first. */
  get all(): FailureKind[] {
    return [...this.#kinds.values()].sort((a, b) => b.count - a.count).map(
      ({ id, how, words, count, jobs }) => ({ id, how, words: joined(words), count, jobs }),
    );
  }
}

/**
 * Returns a kind of failure as one line.
 *
 * @param kind The kind.
 * @returns A line such as `21 x status 2: cannot open ...: No such file (jobs 3, 17, ...)`.
 */
export function failureKindText(kind: FailureKind): string {
  const { count, jobs } = kind;
  const named = jobs.toSorted((a, b) => a - b);
  const list = [...named, ...(count > named.length ? [gap] : [])].join(", ");
  return `${count} x ${failureText(kind)} (${count === 1 ? "job" : "jobs"} ${list})`;
}

/**
 * Returns what the failures of a kind have in common, as one line.
 *
 * @param kind The kind.
 * @returns Such as `status 2: cannot open ...: No such file`.
 */
export function failureText({ how, words }: FailureKind): string {
  return printableLine(words === "" ? how : `${how}: ${words}`);
}

function howItEnded({ status, errors: [error] }: JobRecord): string {
  if (status) return `status ${status}`;
  return error?.type ?? (error ? `${error.code} error` : "no status");
}

/** Returns the last non-empty line, where programs usually give the reason for a failure. */
function lastLine(stderr: Uint8Array | undefined): string {
  if (stderr === undefined || stderr.length === 0) return "";
  return decoder.decode(stderr.subarray(-tailBytes)).trimEnd().split("\n").at(-1) ?? "";
}

const decoder = new TextDecoder();

/** Splits a message into words; the job's own line counts as one word. */
function wordsOf(said: string, { line, function: name, errors: [error] }: JobRecord): string[] {
  // Remove what `how` already says.
  const prefix = `${name}: ${error?.type}: `;
  const text = (said.startsWith(prefix) ? said.slice(prefix.length) : said)
    .slice(0, maxMessageLength).toWellFormed();
  const whole = line.length > 1 && /\s/.test(line) ? text.replaceAll(line, gap) : text;
  return whole.split(/\s+/).filter((word) => word !== "");
}

/** Reports whether a word is likely to differ between jobs: numbers, file names, quoted text. */
function varies(word: string, { line }: JobRecord): boolean {
  if (/[\d/"'`\\]|\w\.\w/.test(word) || word.includes(gap)) return true;
  return line.length > 1 ? word.includes(line) : word.replace(/[:;,.!?)\]]+$/, "") === line;
}

/** Returns the word if both are equal, else a gap with their common final punctuation. */
function common(one: string, other: string): string {
  if (one === other) return one;
  const [end = ""] = /[:;,!?)\]]*$/.exec(one) ?? [];
  return other.endsWith(end) ? gap + end : gap;
}

/** Joins words; consecutive gaps become one. */
function joined(words: readonly string[]): string {
  return words.filter((word, at) => word !== gap || words[at + 1] !== gap).join(" ");
}

/**
 * The files that all jobs of a run send along.
 *
 * @module
 */

import type { NovelContents } from "../store/blob.ts";
import type { File } from "../protocol.ts";
import type { InputFile } from "./job.ts";
import { linksOf, passesLink } from "./inputs.ts";

/** Files as the wire has them, by remote path. */
export type EncodedFiles = Readonly<Record<string, File>>;

/** Encodes files once for all jobs, and again if their objects have left the store. */
export class SharedFiles {
  /** The files on this machine, by remote path. */
  readonly inputs: ReadonlyMap<string, InputFile>;
  /** The paths of the links among them. */
  readonly links: ReadonlySet<string>;
  /** Whether some of them are below a link. */
  readonly passesLink: boolean;
  readonly #encode: (novel: NovelContents | undefined) => Promise<EncodedFiles>;
  /** By the features used: a function may be updated or rolled back during the run. */
  readonly #encoded = new Map<string, Promise<EncodedFiles>>();

  /**
   * @param inputs The files on this machine.
   * @param encode Encodes the files, and stores those that are big.
   */
  constructor(
    inputs: readonly InputFile[],
    encode: (novel: NovelContents | undefined) => Promise<EncodedFiles>,
  ) {
    this.inputs = new Map(inputs.map((input) => [input.remote, input]));
    this.links = linksOf(inputs);
    this.passesLink = passesLink(this.links, inputs);
    this.#encode = encode;
  }

  /**
   * Returns the latest encoding of the files.
   *
   * @param novel Kinds of content that the function accepts.
   */
  get(novel: NovelContents | undefined): Promise<EncodedFiles> {
    return this.#encoded.get(keyOf(novel)) ?? this.#start(novel);
  }

  /**
   * Stores the files again, once for all jobs that miss them.
   *
   * @param seen The files that the job was sent.
   * @param novel As for {@linkcode SharedFiles.get}.
   */
  async renew(seen: EncodedFiles, novel: NovelContents | undefined): Promise<void> {
    const encoded = this.get(novel);
    // Another job may already have renewed them.
    if (await encoded !== seen || this.get(novel) !== encoded) return;
    this.#start(novel);
  }

  #start(novel: NovelContents | undefined): Promise<EncodedFiles> {
    const encoded = this.#encode(novel);
    // A failure is reported to the jobs that await the files.
    encoded.catch(() => {});
    this.#encoded.set(keyOf(novel), encoded);
    return encoded;
  }
}

/**
 * Reports whether a job's links are sent as what they lead to, since the job names files below one.
 *
 * @param found The job's own files.
 * @param outputs The files and directories that it fetches.
 * @param shared The files that it shares with others.
 */
export function followsLinks(
  found: readonly Pick<InputFile, "remote" | "link">[],
  outputs: readonly Pick<InputFile, "remote">[],
  shared: SharedFiles | undefined,
): boolean {
  return shared?.passesLink === true ||
    [linksOf(found), shared?.links ?? new Set<string>()]
      .some((links) => passesLink(links, found, outputs));
}

function keyOf(novel: NovelContents | undefined): string {
  return [...novel?.kinds ?? [], ...novel?.files ?? []].map(({ feature }) => feature).join();
}

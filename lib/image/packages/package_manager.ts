/**
 * What llama asks of the package manager that a system is installed by.
 *
 * @module
 */

/** A package that is installed. */
export interface InstalledPackage {
  /** Its name, as the package manager tells it from others. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** Why it is needed: the package that depends on it, or what llama asked for. */
  readonly reason: string;
}

/** The packages of this machine. */
export interface PackageManager {
  /**
   * Finds which packages own files.
   *
   * @param paths Absolute paths, free of links.
   * @param signal Cancels the operation.
   * @returns The package's name by path, without those that no package owns.
   */
  ownersOf(paths: readonly string[], signal?: AbortSignal): Promise<Map<string, string>>;

  /**
   * Finds packages and what they depend on.
   *
   * @param names The packages, each with the reason for which it is needed. What they recommend
   * comes along if it is installed.
   * @param signal Cancels the operation.
   * @returns All of them, by name.
   */
  closureOf(
    names: ReadonlyMap<string, string>,
    signal?: AbortSignal,
  ): Promise<Map<string, InstalledPackage>>;

  /**
   * Lists the files of packages.
   *
   * @param names The packages.
   * @param signal Cancels the operation.
   * @returns Absolute paths of files, links and directories, by package.
   */
  filesOf(names: readonly string[], signal?: AbortSignal): Promise<Map<string, string[]>>;

  /**
   * Lists the links that choose among alternatives, such as `/usr/bin/awk`.
   *
   * @returns The link by the path that it leads to.
   */
  alternatives(): Map<string, string[]>;
}

/**
 * Symbolic links that stay inside a directory.
 *
 * @module
 */

import { isMissing } from "../errors.ts";
import { posix } from "node:path";

/** Linux's limit for a link's target, in bytes. */
const maxTargetBytes = 4095;

/**
 * Reports whether a link stays inside a directory, provided that all other links in it do: the target
 * is relative, climbs only at its beginning, and not beyond the directory. A `..` after a name is
 * refused, since the name may be a link whose parent is another one.
 *
 * @param path The link's path in the directory, without `.`, `..` and empty components.
 * @param target Its target.
 */
export function staysInside(path: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || target.includes("\0")) return false;
  if (!target.isWellFormed() || new TextEncoder().encode(target).length > maxTargetBytes) {
    return false;
  }
  const components = componentsOf(target);
  const climbs = components.findIndex((part) => part !== "..");
  const depth = path.split("/").length - 1;
  if (climbs < 0) return components.length <= depth;
  return climbs <= depth && !components.includes("..", climbs);
}

/**
 * Returns the target by which a link can be created again in a copy of its directory.
 *
 * @param top The directory, free of links.
 * @param path The link's path in it, which passes through no other link.
 * @returns The target as it is if {@linkcode staysInside}, or else the relative path to what it leads
 * to; undefined if that is outside the directory, or missing.
 * @throws What the file system throws.
 */
export function targetInside(top: string, path: string): string | undefined {
  const full = `${top}/${path}`;
  const target = Deno.readLinkSync(full);
  const real = realPathOf(full);
  if (real === undefined) return staysInside(path, target) ? target : undefined;
  if (real !== top && !real.startsWith(top === "/" ? top : `${top}/`)) return undefined;
  if (staysInside(path, target)) return target;
  const relative = posix.relative(posix.dirname(full), real);
  return relative === "" ? "." : relative;
}

/** Linux's limit for the links in a path. */
const maxLinks = 40;

/**
 * Reports whether a link stays inside a directory, by following all links that are there already.
 *
 * @param top The directory.
 * @param path As for {@linkcode staysInside}; its own directories are not links.
 * @param target The link's target.
 * @returns True also for a link to nothing inside; false for a path with too many links.
 */
export function leadsInside(top: string, path: string, target: string): boolean {
  const at = path.split("/").slice(0, -1);
  const ahead = componentsOf(target);
  for (let links = 0, name; (name = ahead.shift()) !== undefined;) {
    if (name === "..") {
      if (at.pop() === undefined) return false;
      continue;
    }
    const next = linkAt([top, ...at, name].join("/"));
    if (next === undefined) at.push(name);
    else if (next.startsWith("/") || ++links > maxLinks) return false;
    else ahead.unshift(...componentsOf(next));
  }
  return true;
}

function componentsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/** Returns a link's target; undefined if there is nothing or anything else. */
function linkAt(path: string): string | undefined {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : undefined;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return undefined;
  }
}

/** Returns a path free of links; undefined if it leads to nothing. */
export function realPathOf(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (!isMissing(error) && !(error instanceof Deno.errors.FilesystemLoop)) throw error;
    return undefined;
  }
}

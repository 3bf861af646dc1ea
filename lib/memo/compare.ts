/**
 * Compares a result with a kept one.
 *
 * @module
 */

import type { ContentKind } from "../features.ts";
import { type Blob, type File, permissionBits, type Response } from "../protocol.ts";
import { blobHash } from "./contents.ts";

/**
 * Returns how the results of two runs of a job differ. Standard error does not count: programs write
 * times and progress there.
 *
 * @param kept The response that was kept.
 * @param now The response to the same request now.
 * @param kinds The kinds of content that they may use.
 * @returns The differences, such as `output "a.png"`; empty if there are none.
 */
export async function differences(
  kept: Response,
  now: Response,
  kinds: readonly ContentKind[],
): Promise<string[]> {
  const found: string[] = [];
  if (kept.status !== now.status) found.push(`status ${now.status}`);
  if (await differ(kept.stdout, now.stdout, kinds)) found.push("standard output");
  const names = new Set([...Object.keys(kept.outputs), ...Object.keys(now.outputs)]);
  for (const name of [...names].sort()) {
    const [before, after] = [kept, now].map(({ outputs }): File =>
      (Object.hasOwn(outputs, name) ? outputs[name] : undefined) ?? { e: "absent" }
    );
    if (before === undefined || after === undefined) continue;
    const isSame = before.u === after.u && before.l === after.l && before.d === after.d &&
      permissionBits(before) === permissionBits(after) &&
      !await differ(before, after, kinds);
    if (!isSame) found.push(`output ${JSON.stringify(name)}`);
  }
  return found;
}

async function differ(one: Blob, other: Blob, kinds: readonly ContentKind[]): Promise<boolean> {
  const [before, after] = await Promise.all([one, other].map(async (blob) => {
    try {
      return await blobHash(blob, kinds);
    } catch {
      // It holds no bytes, only the reason.
      return undefined;
    }
  }));
  return before !== after;
}

import assert from "node:assert/strict";
import { isStoreKey } from "../../lib/store/prefixes.ts";

Deno.test("teardown may delete only objects and keys below llama's prefixes", () => {
  const id = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  for (const key of [id, `${id}.zst`, `act/${id}`, "code/a.zip", "run/1/jobs.jsonl"]) {
    assert(isStoreKey(key), key);
  }
  for (
    const key of [
      ...["", "notes.txt", "act", "act/", "code/", "run/", `x${id}`, `${id}/x`, `${id}.gz`],
      ...[id.toUpperCase(), id.slice(1), `${id}\n`, `mine/act/${id}`, "runs/1", "ACT/x"],
    ]
  ) {
    assert(!isStoreKey(key), key);
  }
});

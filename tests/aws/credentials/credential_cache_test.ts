import assert from "node:assert/strict";
import { CredentialCache } from "../../../lib/aws/credentials/credential_cache.ts";
import type { Credentials } from "../../../lib/aws/credentials/keys.ts";

const minute = 60_000;

function cache(lifetime: number) {
  const state = { now: 0, found: 0, failing: false };
  const find = (): Promise<Credentials> =>
    state.failing ? Promise.reject(new Error("no sign-in")) : Promise.resolve({
      accessKeyId: `KEY${++state.found}`,
      secretAccessKey: "secret",
      expiration: lifetime === Infinity ? undefined : state.now + lifetime,
    });
  return { state, cache: new CredentialCache(find, () => state.now) };
}

Deno.test("credentials are found once for all callers", async () => {
  const { state, cache: credentials } = cache(Infinity);
  const all = await Promise.all(Array.from({ length: 100 }, () => credentials.get()));
  assert.deepEqual(new Set(all.map(({ accessKeyId }) => accessKeyId)), new Set(["KEY1"]));
  state.now = 1e12;
  assert.equal((await credentials.get()).accessKeyId, "KEY1");
});

Deno.test("credentials are renewed before they expire, once for all in flight", async () => {
  const { state, cache: credentials } = cache(60 * minute);
  await credentials.get();
  state.now = 54 * minute;
  assert.equal((await credentials.get()).accessKeyId, "KEY1");
  state.now = 56 * minute;
  const all = await Promise.all(Array.from({ length: 100 }, () => credentials.get()));
  assert.deepEqual(new Set(all.map(({ accessKeyId }) => accessKeyId)), new Set(["KEY2"]));
});

Deno.test("credentials that cannot be renewed are used until they expire, and renewed later", async () => {
  const { state, cache: credentials } = cache(60 * minute);
  await credentials.get();
  state.failing = true;
  state.now = 58 * minute;
  assert.equal((await credentials.get()).accessKeyId, "KEY1");
  state.failing = false;
  assert.equal((await credentials.get()).accessKeyId, "KEY1", "not at once after a failure");
  state.now = 59 * minute;
  assert.equal((await credentials.get()).accessKeyId, "KEY2");
  state.failing = true;
  state.now = 120 * minute;
  await assert.rejects(credentials.get(), /no sign-in/);
});

Deno.test("renew reports whether the credentials changed", async () => {
  const changing = cache(Infinity).cache;
  assert.equal(await changing.renew(await changing.get()), true);
  const fixed = new CredentialCache(() =>
    Promise.resolve({ accessKeyId: "KEY", secretAccessKey: "secret" })
  );
  assert.equal(await fixed.renew(await fixed.get()), false);
});

Deno.test("a late report of expired credentials that were already replaced renews nothing", async () => {
  const { cache: credentials, state } = cache(Infinity);
  const old = await credentials.get();
  assert.equal(await credentials.renew(old), true);
  assert.equal(await credentials.renew(old), true);
  assert.equal(state.found, 2);
});

Deno.test("a wait for credentials ends at once, with the caller's reason, and others go on", async () => {
  const found = Promise.withResolvers<Credentials>();
  const credentials = new CredentialCache(() => found.promise);
  const controller = new AbortController();
  const [left, stayed] = [credentials.get(controller.signal), credentials.get()];
  controller.abort(new Error("enough"));
  await assert.rejects(left, /^Error: enough$/);
  found.resolve({ accessKeyId: "KEY", secretAccessKey: "secret" });
  assert.equal((await stayed).accessKeyId, "KEY");
});

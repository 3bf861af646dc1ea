import assert from "node:assert/strict";
import { expand } from "../../lib/aws/credentials/profile.ts";

Deno.test("a path's variables and home directory are expanded, and unknown ones are unchanged", async () => {
  const environment = { HOME: "/home/me", X: "/x", EMPTY: "" };
  const cases = [
    ["~/.aws/config", "/home/me/.aws/config"],
    ["~", "/home/me"],
    ["$HOME/a", "/home/me/a"],
    ["${X}/a$X", "/x/a/x"],
    ["$UNSET/${UNSET}/$EMPTY", "$UNSET/${UNSET}/"],
    ["a/~/b", "a/~/b"],
    ["~no-such-user/a", "~no-such-user/a"],
    ["/plain", "/plain"],
  ] as const;
  for (const [path, expanded] of cases) assert.equal(await expand(path, environment), expanded);
});

Deno.test({
  name: "without HOME, and for another user, the home directory comes from /etc/passwd",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const users = (await Deno.readTextFile("/etc/passwd")).split("\n").map((line) =>
      line.split(":")
    );
    const own = users.find(([, , id]) => id === String(Deno.uid()))?.[5];
    assert.equal(
      await expand("~/a", {}),
      own === undefined ? "~/a" : `${own.replace(/\/$/, "")}/a`,
    );
    const root = users.find(([name]) => name === "root")?.[5];
    assert.equal(await expand("~root/a", { HOME: "/home/me" }), `${root}/a`);
  },
});

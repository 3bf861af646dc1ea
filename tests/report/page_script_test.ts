import assert from "node:assert/strict";
import { pageScript } from "../../lib/report/page_script.js";

Deno.test("the page's script has every function of its files, each under a name of its own", async () => {
  const folder = new URL("../../lib/report/", import.meta.url);
  const declared: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!/\.js$/.test(name)) continue;
    const text = (await Deno.readTextFile(new URL(name, folder)))
      .replace(/\/\*\*[^]*?\*\//g, "")
      .replace(/^import [^]*?;$/gm, "")
      .replace(/^export (?:async )?function (\w+)\([^]*?^}$/gm, (_, name: string) => {
        declared.push(name);
        return "";
      });
    assert.equal(text.trim(), "", `${name} has more than functions at its top level`);
  }
  const included = [...pageScript().matchAll(/^(?:\(\(\)=>{)?(?:async )?function (\w+)\(/gm)];
  assert.deepEqual(
    included.map(([, name]) => name).sort(),
    declared.filter((name) => name !== "pageScript").sort(),
  );
  assert.equal(new Set(declared).size, declared.length);
});

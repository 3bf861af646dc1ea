/** Tests the report page in Chromium; ignored unless LLAMA_TEST_CHROMIUM is its path. */

import assert from "node:assert/strict";
import { fileURLToPath, pathToFileURL } from "node:url";
import axe from "npm:axe-core@4.14.1";
import type { JobRecord } from "../../lib/jobs/record.ts";
import { phases } from "../../lib/report/phases.ts";
import { reportPage } from "../../lib/report/page.ts";
import type { RunJob } from "../../lib/report/run.ts";
import { Browser } from "../../scripts/browser.ts";
import { Workplace } from "../e2e/llama.ts";
import { TemporaryDirectory, testWith } from "../helpers.ts";
import { functionError, InvokeStub } from "../invoke_stub.ts";
import { jobOf, runOf } from "./runs.ts";

const program = Deno.env.get("LLAMA_TEST_CHROMIUM") ?? "";
const desktop = { width: 1200, height: 900 };
const textOf = (id: string) => `document.getElementById(${JSON.stringify(id)}).textContent`;
const chart = "document.getElementById('chart').dataset";

/** Shows the report of some jobs, and checks that the page logged nothing and requested nothing. */
function onPage(
  jobs: readonly RunJob[],
  look: (browser: Browser, url: string) => Promise<void>,
  options = desktop,
): Promise<void> {
  return onReport(reportPage(runOf(jobs)), look, options);
}

/** Shows a report, with the same checks. */
async function onReport(
  page: string,
  look: (browser: Browser, url: string) => Promise<void>,
  options = desktop,
): Promise<void> {
  await using directory = new TemporaryDirectory();
  const path = await directory.write("report.html", page);
  await using browser = await Browser.open(program);
  const url = pathToFileURL(path).href;
  await browser.show(url, options);
  await look(browser, url);
  assert.deepEqual(browser.problems, { messages: [], requests: [] });
}

const times = { cold: false, e2e: 80e6, fetch: 10e6, exec: 60e6, upload: 10e6 };

function jobs(count: number, more: (index: number) => Partial<JobRecord> = () => ({})): RunJob[] {
  return Array.from({ length: count }, (_, index) =>
    jobOf(
      index + 1,
      Math.floor(index / 100) * 100 + (index % 100) / 100,
      [["inputs", 1], ["queue", 2], ["invoke", 85 + index % 5, { times }], ["outputs", 1]],
      more(index),
    ));
}

testWith(["LLAMA_TEST_CHROMIUM"], "the page shows the figures of the run", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(({ args: [line] }) =>
    line === "7" ? functionError("Runtime.ExitError") : {
      status: line === "9" ? 3 : 0,
      stderr: { s: line === "9" ? "that was <b>wrong</b>\n" : "" },
      times: { cold: line === "1", e2e: 300_000, fetch: 50_000, exec: 200_000, upload: 50_000 },
      environment: { memory: 512, arch: "x86_64" },
    }
  );
  const args = ["xargs", "-json", "-report", "run.html", "-j", "5", "f", "{{.Line}}"];
  const lines = Array.from({ length: 40 }, (_, index) => `${index + 1}\n`).join("");
  const ended = await place.run(args, { stdin: lines, environment: lambda.environment });
  assert.equal(ended.status, 1, ended.stderr);
  const records: JobRecord[] = ended.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  await using browser = await Browser.open(program);
  await browser.show(pathToFileURL(place.here("run.html")).href, desktop);
  const sum = (of: (record: JobRecord) => number | undefined) =>
    records.reduce((total, record) => total + (of(record) ?? 0), 0);
  assert.equal(await browser.evaluate(textOf("jobs")), "40");
  assert.match(await browser.evaluate("document.body.innerText"), /2 failed/);
  assert.equal(await browser.evaluate(textOf("cold")), "1");
  assert(Number(await browser.evaluate(textOf("peak"))) <= 5);
  const dollars = Number((await browser.evaluate(textOf("cost"))).replace("~$", ""));
  assert(Math.abs(dollars / sum(({ cost }) => cost?.dollars) - 1) < 0.06, String(dollars));
  const shown: Record<string, number> = await browser.evaluate(
    "Object.fromEntries([...document.querySelectorAll('[data-phase]')].map((row) => [row.dataset.phase, Number(row.dataset.ms)]))",
  );
  const near = (one: number, other: number, what: string) =>
    assert(Math.abs(one - other) < 0.1, `${what}: ${one}, ${other}`);
  near(shown["command"] ?? 0, sum(({ times }) => times?.commandMilliseconds), "command");
  near(shown["fetch"] ?? 0, sum(({ times }) => times?.fetchMilliseconds), "fetch");
  near(
    Object.values(shown).reduce((a, b) => a + b),
    sum(({ elapsedMilliseconds }) => elapsedMilliseconds),
    "all",
  );
  const failures: string = await browser.evaluate(textOf("failures"));
  assert.match(failures, /1Runtime\.ExitError/);
  assert.match(failures, /1status 3: that was <b>wrong<\/b>/);
  const header: string = await browser.evaluate("document.querySelector('header').textContent");
  for (
    const part of ["complete: 2 of 40 jobs failed", "-json -report run.html -j 5", "us-west-2"]
      .concat(["512 MB, x86_64"])
  ) assert(header.includes(part), `${part}: ${header}`);
  assert.deepEqual(browser.problems, { messages: [], requests: [] });
});

testWith(
  ["LLAMA_TEST_CHROMIUM"],
  "a timeline of 10,000 jobs loads within a second and pans smoothly",
  async () => {
    await onPage(jobs(10_000), async (browser, url) => {
      // The fastest of three: the machine may be busy.
      let quickest = Infinity;
      for (let i = 0; i < 3; i++) quickest = Math.min(quickest, await browser.show(url, desktop));
      assert(quickest < 1000, `loaded in ${quickest} ms`);
      // The time to draw each of many frames while panning and zooming.
      const longest: number[] = await browser.evaluate(`(async () => {
      const chart = document.getElementById("chart");
      const times = [];
      for (let i = 0; i < 30; i++) {
        const key = i < 10 ? "+" : i < 20 ? "ArrowRight" : "-";
        // Measured from before to after the page's own work in this frame.
        let start;
        requestAnimationFrame(() => start = performance.now());
        chart.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey: i >= 10 && i < 20 }));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b);
    })()`);
      const median = longest[Math.floor(longest.length / 2)] ?? Infinity;
      assert(median < 17, `a frame took ${longest.map((time) => time.toFixed(0)).join(" ")} ms`);
      // The time from a key until the jobs that match are shown.
      const searches: number[] = await browser.evaluate(
        `["f", "f ", "f 9", "f 99", ""].map((text) => {
        const search = document.getElementById("search");
        search.value = text;
        const start = performance.now();
        search.dispatchEvent(new Event("input"));
        return performance.now() - start;
      })`,
      );
      assert(Math.min(...searches) < 100, `a search took ${searches.join(" ")} ms`);
    });
  },
);

testWith(["LLAMA_TEST_CHROMIUM"], "keys select jobs, zoom and pan", async () => {
  const failing = (index: number) => index === 2 ? { ok: false, status: 3 } : {};
  await onPage(jobs(500, failing), async (browser) => {
    await browser.evaluate("document.getElementById('chart').focus()");
    const range = async () => {
      const { from, to } = await browser.evaluate(`({...${chart}})`);
      return [Number(from), Number(to)] as const;
    };
    const [, whole] = await range();
    await browser.press("ArrowRight");
    assert.equal(await browser.evaluate(`${chart}.job`), "1");
    for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight"]) {
      await browser.press(key);
    }
    assert.equal(await browser.evaluate(`${chart}.job`), "3");
    const chosen: string = await browser.evaluate(textOf("chosen"));
    assert.match(chosen, /Job 3: 91\.0 ms.*f 3.*command 60\.0 ms.*exit status 3/);
    await browser.press("+");
    const [from, to] = await range();
    assert(Math.abs((to - from) * 1.5 - whole) < 1, `${from} to ${to} of ${whole}`);
    await browser.press("ArrowRight", 8);
    const [moved] = await range();
    assert(moved > from);
    await browser.press("-");
    await browser.press("0");
    assert.deepEqual(await range(), [0, whole]);
    await browser.press("ArrowDown");
    assert.notEqual(await browser.evaluate(`${chart}.job`), "3");
    await browser.press("Escape");
    assert.equal(await browser.evaluate(textOf("chosen")), "");
    await browser.press("f");
    assert.equal(await browser.evaluate(`${chart}.job`), "3");
  });
});

/** The numbers of the jobs in the table, in order. */
const rows = "[...document.querySelectorAll('#job-rows .show')].map((b) => Number(b.textContent))";

testWith(["LLAMA_TEST_CHROMIUM"], "jobs are filtered, searched, sorted and copied", async () => {
  const some = jobs(300).map((job, index): RunJob => {
    if (index % 50 !== 7) return job;
    const kind = index % 100 === 7 ? 0 : 1;
    const record = { ...job.record, ok: false, status: 2 + kind };
    return { ...job, record, kind, failedLine: `line ${index}\u00e9`, stderrEnd: "such Words" };
  });
  const failures = [0, 1].map((id) => ({
    id,
    how: `status ${2 + id}`,
    words: "",
    count: 3,
    jobs: [],
  }));
  const page = reportPage(runOf(some, { failures }));
  await onReport(page, async (browser) => {
    const click = (selector: string) =>
      browser.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
    const type = (text: string) =>
      browser.evaluate(`(() => {
        const search = document.getElementById("search");
        search.value = ${JSON.stringify(text)};
        search.dispatchEvent(new Event("input"));
      })()`);
    const found = () => browser.evaluate(textOf("found"));
    assert.equal(await found(), "300 jobs");
    assert.equal((await browser.evaluate(rows)).length, 20);
    await click("#more");
    assert.equal((await browser.evaluate(rows)).length, 120);
    // By duration, the slowest first; then the other way.
    const slowest: number = (await browser.evaluate(rows))[0];
    assert.equal(slowest % 5, 0);
    await click("[data-key=time] button");
    assert.equal((await browser.evaluate(rows))[0] % 5, 1);
    await click("[data-kind='1']");
    assert.equal(await found(), "3 of 300 jobs");
    await click("[data-key=seq] button");
    assert.deepEqual(await browser.evaluate(rows), [58, 158, 258]);
    await click("#only-failed");
    assert.deepEqual(await browser.evaluate(rows), [8, 58, 108, 158, 208, 258]);
    const pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map(({id}) => id)";
    assert.deepEqual(await browser.evaluate(pressed), ["only-failed"]);
    await type("F 158");
    assert.deepEqual(await browser.evaluate(rows), [158]);
    await type("such words");
    assert.equal(await found(), "6 of 300 jobs");
    await type("no such");
    assert.deepEqual([await browser.evaluate(rows), await found()], [[], "0 of 300 jobs"]);
    await type("");
    await click("#all");
    await type("258");
    assert.deepEqual(await browser.evaluate(rows), [258]);
    const caught = `(() => {
      const caught = [];
      Object.defineProperty(navigator, "clipboard", {
        value: { writeText: (text) => Promise.resolve(void caught.push(text)) },
      });
      URL.createObjectURL = (blob) => (caught.push(blob), "data:,");
      HTMLAnchorElement.prototype.click = function () { caught.push(this.download) };
      for (const id of ["copy", "copy-lines", "download"]) document.getElementById(id).click();
      return Promise.all(caught.map((each) => each instanceof Blob ? each.text() : each));
    })()`;
    const lines = [7, 57, 107, 157, 207, 257].map((index) => `line ${index}\u00e9\n`).join("");
    assert.deepEqual(await browser.evaluate(caught), ["f 258\n", lines, lines, "failed-lines.txt"]);
  });
});

testWith(["LLAMA_TEST_CHROMIUM"], "a job's details are at the bottom of the window", async () => {
  const some = jobs(100, (index) => index === 2 ? { ok: false, status: 3 } : {});
  await onPage(some, async (browser) => {
    const panel = () =>
      browser.evaluate(`(() => {
        const details = document.getElementById("details");
        const { bottom } = details.getBoundingClientRect();
        return [details.hidden, bottom - innerHeight];
      })()`);
    assert.equal((await panel())[0], true);
    await browser.evaluate("document.querySelector('#job-rows tr:nth-child(4)').click()");
    await browser.frame();
    assert.deepEqual(await panel(), [false, 0]);
    const seq = Number(await browser.evaluate(`${chart}.job`));
    assert.match(await browser.evaluate(textOf("chosen")), new RegExp(`^Job ${seq}: `));
    const current = "document.querySelector('[aria-current]').dataset.seq";
    assert.equal(Number(await browser.evaluate(current)), seq);
    // The last rows can still be scrolled into view.
    await browser.evaluate("scrollTo(0, document.body.scrollHeight)");
    const end = "document.querySelector('footer').getBoundingClientRect().bottom";
    const top = "document.getElementById('details').getBoundingClientRect().top";
    assert(await browser.evaluate(`${end} <= ${top}`));
    await browser.evaluate("document.getElementById('locate').click()");
    assert.equal(await browser.evaluate("document.activeElement.id"), "chart");
    await browser.evaluate("document.getElementById('close').focus()");
    await browser.press("Escape");
    assert.equal((await panel())[0], true);
    assert.equal(await browser.evaluate("document.activeElement.id"), "chart");
  });
});

testWith(["LLAMA_TEST_CHROMIUM"], "axe finds no violation in either theme or width", async () => {
  const some = jobs(40, (index) => index % 9 === 2 ? { ok: false, status: 3 } : {})
    .map((job) => job.record.ok ? job : { ...job, kind: 0, failedLine: "line", stderrEnd: "why" });
  const failures = [{ id: 0, how: "status 3", words: "why", count: 5, jobs: [3] }];
  const more = { failures, flags: ["-j", "9"], region: "eu-west-1", architecture: "arm64" };
  await onReport(reportPage(runOf(some, more)), async (browser, url) => {
    const looks = [desktop, { ...desktop, dark: true }, { width: 390, height: 844, mobile: true }];
    for (const look of looks) {
      await browser.show(url, look);
      for (const action of ["0", "document.querySelector('[data-kind]').click()"]) {
        await browser.evaluate(action);
        await browser.evaluate(axe.source);
        const { violations } = await browser.evaluate("axe.run()");
        const said = violations.map(({ id, nodes }: { id: string; nodes: { html: string }[] }) =>
          `${id}: ${nodes.map(({ html }) => html).join(" ")}`
        );
        assert.deepEqual(said, [], JSON.stringify(look));
        await browser.evaluate("document.querySelector('#job-rows .show').click()");
        await browser.frame();
      }
    }
  });
});

testWith(["LLAMA_TEST_CHROMIUM"], "the timeline works after bundling and minifying", async () => {
  await using directory = new TemporaryDirectory();
  const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const main = await directory.write(
    "main.ts",
    `import { reportPage } from ${from("../../lib/report/page.ts")};
    import { jobOf, runOf } from ${from("./runs.ts")};
    const jobs = [1, 2].map((seq) => jobOf(seq, seq, [["queue", 5], ["invoke", 9]]));
    Deno.writeTextFileSync("report.html", reportPage(runOf(jobs)));`,
  );
  const deno = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      ...{ args, cwd: directory.path },
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  };
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const options = ["--config", config, "--frozen", "--minify", "--platform", "deno"];
  await deno("bundle", ...options, "--output", "main.js", main);
  await deno("run", "--allow-all", "--no-config", "main.js");
  await using browser = await Browser.open(program);
  await browser.show(pathToFileURL(directory.join("report.html")).href, desktop);
  await browser.evaluate("document.getElementById('chart').focus()");
  for (const key of ["ArrowRight", "ArrowRight", "ArrowDown", "+", "0"]) await browser.press(key);
  assert.equal(await browser.evaluate(`${chart}.job`), "2");
  assert.deepEqual(browser.problems, { messages: [], requests: [] });
});

testWith(["LLAMA_TEST_CHROMIUM"], "the mouse shows a job, pans and zooms", async () => {
  await onPage(jobs(20), async (browser) => {
    const { x, y } = await browser.evaluate(
      "(({x, y}) => ({x, y}))(document.getElementById('slots').getBoundingClientRect())",
    );
    const mouse = async (type: string, dx: number, dy: number, more = {}) => {
      await browser.send("Input.dispatchMouseEvent", { type, x: x + dx, y: y + dy, ...more });
      await browser.frame();
    };
    await mouse("mouseMoved", 300, 8);
    assert.match(await browser.evaluate(textOf("tip")), /^Job 1: /);
    assert.equal(await browser.evaluate("document.getElementById('tip').hidden"), false);
    await mouse("mouseWheel", 300, 8, { deltaX: 0, deltaY: -300, modifiers: 2 });
    const from = Number(await browser.evaluate(`${chart}.from`));
    assert(from > 0);
    const left = { button: "left", clickCount: 1 };
    await mouse("mousePressed", 300, 8, left);
    await mouse("mouseMoved", 400, 8, { buttons: 1, ...left });
    await mouse("mouseReleased", 400, 8, left);
    assert(Number(await browser.evaluate(`${chart}.from`)) < from);
  });
});

testWith(["LLAMA_TEST_CHROMIUM"], "a script in a command is shown, not run", async () => {
  const command =
    `f '</script><script>document.title = "run"</script><img src=x onerror=alert(1)>'`;
  const hostile = [{ code: "output", message: command }];
  const jobs = [jobOf(1, 0, [["invoke", 5]], { command, ok: false, errors: hostile })];
  const failures = [{ id: 0, how: "status 1", words: command, count: 1, jobs: [1] }];
  const page = reportPage(runOf(jobs, { failures, flags: ["-a", command] }));
  await onReport(page, async (browser) => {
    await browser.evaluate("document.getElementById('chart').focus()");
    await browser.press("ArrowRight");
    assert.equal(await browser.evaluate("document.title"), "llama: llama xargs f");
    assert((await browser.evaluate(textOf("chosen"))).includes(command));
    assert((await browser.evaluate(textOf("failures"))).includes("</script>"));
    assert((await browser.evaluate(textOf("job-rows"))).includes(command));
    assert.equal(await browser.evaluate("document.querySelectorAll('img').length"), 0);
  });
});

testWith(
  ["LLAMA_TEST_CHROMIUM"],
  "pages of no jobs, one job and only failed jobs show no NaN or undefined",
  async () => {
    const failed = jobs(3, () => ({ ok: false, status: 1 }));
    for (const each of [[], jobs(1), failed]) {
      await onPage(each, async (browser) => {
        const text: string = await browser.evaluate("document.body.innerText");
        assert.equal(/NaN|undefined|Infinity/.test(text), false, text);
      });
    }
  },
);

testWith(["LLAMA_TEST_CHROMIUM"], "the page fits the width of a phone", async () => {
  const long = jobs(30, () => ({ command: `f ${"/a/long/path".repeat(40)}` }));
  await onPage(long, async (browser) => {
    const width = await browser.evaluate("document.documentElement.scrollWidth");
    assert(width <= 390, `${width} pixels`);
  }, { width: 390, height: 844, ...{ mobile: true } });
});

testWith(
  ["LLAMA_TEST_CHROMIUM"],
  "every control has an accessible name",
  async () => {
    await onPage(jobs(30), async (browser) => {
      await browser.send("Accessibility.enable");
      const { nodes } = await browser.send("Accessibility.getFullAXTree");
      const named = ["button", "application", "image", "region", "table"];
      const found = nodes.filter((node: { ignored: boolean; role?: { value: string } }) =>
        !node.ignored &&
        ["button", "application", "image", "region"].includes(node.role?.value ?? "")
      );
      assert(found.length > 10, `${named}: ${found.length}`);
      for (const { role, name } of found) assert(name?.value, `a ${role.value} has no name`);
      const levels = await browser.evaluate("document.querySelectorAll('h1').length");
      assert.equal(levels, 1);
      assert.equal(phases.length, new Set(phases.map(({ label }) => label)).size);
    });
  },
);

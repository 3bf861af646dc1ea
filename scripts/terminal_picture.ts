/**
 * Makes docs/xargs.svg anew: the README's example at work in a terminal, played as it went.
 *
 * tmux is the terminal. What it shows is looked at several times a second, and each look becomes a
 * frame of the picture, which plays by CSS and so needs no script; readers who want no movement see
 * the last frame.
 *
 * @module
 */

import { join } from "node:path";
import { makePicture } from "./pictures.ts";
import { quote, root } from "./shell.ts";

const pictureCount = 151;
const [columns, rows] = [100, 14];
const frameMilliseconds = 250;
/** How long the last frame stays before it begins anew. */
const restMilliseconds = 4000;
/** The size of a character, in the picture's units. */
const [width, height] = [8.4, 20];
const margin = 14;

interface Frame {
  readonly atMilliseconds: number;
  readonly lines: readonly string[];
}

if (import.meta.main) {
  const directory = await Deno.makeTempDir({ prefix: "llama-picture-" });
  try {
    for (let index = 0; index < pictureCount; index++) {
      const { name, bytes } = makePicture(index * 6 + 5, { minSize: 160, maxSize: 200 });
      await Deno.writeFile(join(directory, name), bytes);
    }
    const path = join(root, "docs/xargs.svg");
    await Deno.writeTextFile(path, drawing(await record(directory)));
    console.log(`${path}: ${(await Deno.stat(path)).size} bytes`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Runs the example, and looks at the terminal until the prompt is back. */
async function record(directory: string): Promise<Frame[]> {
  const tmux = async (...args: string[]) => {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-S", join(directory, "tmux"), ...args],
      env: { LC_ALL: "C.UTF-8", PS1: "$ ", LLAMA_FUNCTIONS: join(root, "images") },
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`tmux ${args[0]}: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout);
  };
  const llama = `${quote(Deno.execPath())} run -A --quiet ${quote(join(root, "cli.ts"))}`;
  await Deno.writeTextFile(
    join(directory, "llama"),
    `#!/bin/sh\nexec ${llama} -local "$@"\n`,
    { mode: 0o755 },
  );
  const size = ["-x", String(columns), "-y", String(rows)];
  await tmux("-f", "/dev/null", "new-session", "-d", ...size, "-c", directory, "sh");
  try {
    await tmux("send-keys", "PATH=$PWD:$PATH PS1='$ '; clear", "Enter");
    await delay(500);
    await tmux(
      "send-keys",
      "-l",
      `ls *.png | llama xargs -print none -j ${pictureCount} optipng '{{.I .Line}}' \\`,
    );
    await tmux("send-keys", "Enter");
    await tmux(
      "send-keys",
      "-l",
      `    -out '{{.O (printf "optimized/%s" .Line)}}'`,
    );
    await tmux("send-keys", "Enter");
    const start = performance.now();
    const frames: Frame[] = [];
    for (;;) {
      const atMilliseconds = performance.now() - start;
      const lines = (await tmux("capture-pane", "-p")).trimEnd().split("\n");
      if (lines.join() !== frames.at(-1)?.lines.join()) frames.push({ atMilliseconds, lines });
      if (atMilliseconds > 2000 && lines.at(-1)?.trim() === "$") return frames;
      if (atMilliseconds > 300_000) throw new Error("the example does not end");
      await delay(frameMilliseconds);
    }
  } finally {
    await tmux("kill-server");
  }
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** One group per frame, each visible for its share of the time. */
function drawing(frames: readonly Frame[]): string {
  const total = (frames.at(-1)?.atMilliseconds ?? 0) + restMilliseconds;
  const share = (milliseconds: number) => (100 * milliseconds / total).toFixed(2);
  const shown = Math.max(...frames.map(({ lines }) => lines.length));
  const [w, h] = [columns * width + 2 * margin, shown * height + 2 * margin];
  const rules: string[] = [];
  const groups: string[] = [];
  frames.forEach(({ atMilliseconds, lines }, index) => {
    const isLast = index === frames.length - 1;
    const until = frames[index + 1]?.atMilliseconds ?? total;
    rules.push(
      `@keyframes f${index}{0%{opacity:${index === 0 ? 1 : 0}}${
        share(atMilliseconds)
      }%{opacity:1}` +
        `${share(until)}%{opacity:${isLast ? 1 : 0}}100%{opacity:${isLast ? 1 : 0}}}` +
        `#f${index}{animation:f${index} ${(total / 1000).toFixed(1)}s step-end infinite}`,
    );
    const text = lines.flatMap((line, row) =>
      line.trim() === ""
        ? []
        : [`<text x="${margin}" y="${margin + (row + 1) * height - 5}">${escape(line)}</text>`]
    );
    groups.push(`<g id="f${index}"${isLast ? "" : ' class="past"'}>${text.join("")}</g>`);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w.toFixed(0)} ${h.toFixed(0)}" ` +
    `role="img" aria-label="llama xargs at work in a terminal: a bar shows how far it is">\n` +
    `<style>text{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#e6e6e6;white-space:pre}` +
    `.past{opacity:0}@media(prefers-reduced-motion:no-preference){${rules.join("")}}</style>\n` +
    `<rect width="100%" height="100%" rx="8" fill="#1e1e1e"/>\n${groups.join("\n")}\n</svg>\n`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Groups of processes whose means are limited by the kernel, as far as this machine lets us. */

import { until } from "./fake_lambda.ts";

const place = (controller: string) =>
  `/sys/fs/cgroup/${controller}/llama-test-${crypto.randomUUID()}`;

/** Tells whether groups can be made here: for root, with cgroups of the first version. */
export function canLimit(controller: "memory" | "pids"): boolean {
  const path = place(controller);
  try {
    Deno.mkdirSync(path);
    Deno.removeSync(path);
    return true;
  } catch {
    return false;
  }
}

/** A group, which goes when its processes have ended. */
export class ProcessGroup implements AsyncDisposable {
  readonly #path: string;

  constructor(controller: "memory" | "pids") {
    this.#path = place(controller);
    Deno.mkdirSync(this.#path);
  }

  /** Sets a limit, or with `cgroup.procs` moves a process into the group. */
  set(file: string, value: number): void {
    Deno.writeTextFileSync(`${this.#path}/${file}`, String(value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await until(() => Deno.readTextFileSync(`${this.#path}/cgroup.procs`) === "");
    Deno.removeSync(this.#path);
  }
}

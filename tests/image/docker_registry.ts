/** Docker's own registry, with a login, started for a test. */

import { freePort, ServerProcess } from "../e2e/servers.ts";
import type { TemporaryDirectory } from "../helpers.ts";

/** The program; undefined where `.ci/setup-images` was not run. */
export const registryProgram: string | undefined = Deno.env.get("LLAMA_TEST_REGISTRY");

/** Who may push. */
export const registryUser = { user: "llama", password: "secret" };

/** The password by bcrypt, the one form that the registry takes. */
const passwords = "llama:$2b$04$7u0Ma0S1blrGJkZMdQ.F6eSWQaYW7jATXZg4szBS2mz0.mJI8/7UG\n";

/** Starts it with an empty store below a directory. */
export async function startRegistry(directory: TemporaryDirectory): Promise<ServerProcess> {
  const port = freePort();
  const path = await directory.write("htpasswd", passwords);
  const configuration = {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: directory.join("registry") },
      delete: { enabled: true },
    },
    http: { addr: `127.0.0.1:${port}` },
    auth: { htpasswd: { realm: "llama", path } },
  };
  // JSON is YAML too.
  const file = await directory.write("registry.yml", JSON.stringify(configuration));
  return await ServerProcess.start(registryProgram ?? "docker-registry", ["serve", file], port);
}

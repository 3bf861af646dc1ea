import assert from "node:assert/strict";
import { until } from "../helpers.ts";
import { exportsOf, Workplace } from "./llama.ts";

Deno.test("llama local serves other shells until it is interrupted", async () => {
  await using place = new Workplace();
  await place.addFunction("hello", "#!/bin/sh\necho hi\n");
  const server = place.start(["local", "-listen", "127.0.0.1:0"]);
  const environment = await exportsOf(server);
  assert.match(environment["AWS_ENDPOINT_URL_LAMBDA"] ?? "", /^http:\/\/127\.0\.0\.1:\d+$/);
  const first = await place.run(["invoke", "hello"], { environment });
  assert.deepEqual([first.status, first.stdout, first.stderr], [0, "hi\n", ""]);
  const second = await place.run(["invoke", "-time", "hello"], { environment });
  assert.match(second.stderr, /, warm$/m);

  const wrongKey = { ...environment, AWS_SECRET_ACCESS_KEY: "wrong" };
  const refused = await place.run(["invoke", "hello"], { environment: wrongKey });
  assert.equal(refused.status, 125);
  assert.match(refused.stderr, /^llama: Lambda refused hello: InvalidSignatureException: /);

  server.kill("SIGTERM");
  const [{ code }] = await Promise.all([
    server.status,
    server.stdout.cancel(),
    server.stderr.cancel(),
  ]);
  await server.stdin.close();
  assert.equal(code, 143);
  assert.deepEqual(await place.list("tmp"), []);

  const gone = await place.run(["invoke", "hello"], { environment });
  assert.equal(gone.status, 125);
  assert.match(gone.stderr, /^llama: no answer from http:\/\/127\.0\.0\.1:\d+: .*refused/i);
});

Deno.test("jobs of a client that has disconnected are not started", async () => {
  await using place = new Workplace();
  await place.addShell();
  const server = place.start(["local", "-listen", "127.0.0.1:0", "-concurrency", "1"]);
  const environment = await exportsOf(server);
  const script =
    `touch ${place.here()}/ran-{{.Line}}; while ! [ -e ${place.here()}/go ]; do sleep 0.01; done`;
  const client = place.start(["xargs", "any", "sh", "-c", script], { environment });
  const stdin = client.stdin.getWriter();
  await stdin.write(new TextEncoder().encode("1\n2\n3\n"));
  const hasRun = () => [...Deno.readDirSync(place.here())].filter(({ name }) => /^ran-/.test(name));
  await until(() => hasRun().length > 0, "a job runs");
  client.kill("SIGTERM");
  const { stderr } = await client.output();
  await stdin.close().catch(() => {});
  const words = "llama: ended by SIGTERM: 3 jobs were in flight\n";
  assert.equal(new TextDecoder().decode(stderr), words);
  await place.write("work/go", "");
  assert.equal((await place.run(["invoke", "any", "true"], { environment })).status, 0);
  assert.equal(hasRun().length, 1);
  server.kill("SIGTERM");
  await Promise.all([server.output(), server.stdin.close()]);
});

Deno.test("an address that is in use is reported on one line", async () => {
  await using place = new Workplace();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${listener.addr.port}`;
  const { status, stderr } = await place.run(["local", "-listen", address]);
  assert.equal(status, 2);
  assert.match(stderr, new RegExp(`^llama: .*${address.replaceAll(".", "\\.")}.*in use`));
});

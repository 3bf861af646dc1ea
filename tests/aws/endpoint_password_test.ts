import assert from "node:assert/strict";
import { AwsClient } from "../../lib/aws/client.ts";
import { findLocation, withoutPassword } from "../../lib/aws/endpoint.ts";
import { Lambda } from "../../lib/aws/api/lambda_invoke.ts";
import { messageOf } from "../../lib/errors.ts";
import { openStoreWith } from "../../lib/store/open.ts";
import { bytesOf, TemporaryDirectory } from "../helpers.ts";

const password = "s3cret";

Deno.test("an endpoint's password is in no log line, no error and no note", async () => {
  await using directory = new TemporaryDirectory();
  let status = 200;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      await request.bytes();
      return new Response("{}", { status });
    },
  );
  const url = `http://user:${password}@127.0.0.1:${server.addr.port}`;
  const said: string[] = [];
  using client = new AwsClient({
    credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "x" }),
    location: () => Promise.resolve({ region: "us-west-2", endpoints: { lambda: url, s3: url } }),
    debug: (line) => said.push(line),
    onNotice: (message, hint) => said.push(message, hint ?? ""),
    maxAttempts: 1,
  });
  {
    const noteDirectory = directory.join("notes");
    using store = openStoreWith("s3://bucket/", client, { environment: {}, noteDirectory });
    await store.put(bytesOf("x"));
  }
  const [note = ""] = await directory.list("notes");
  said.push(await Deno.readTextFile(directory.join(note)));
  await new Lambda(client).invoke("f", bytesOf("{}"));
  status = 400;
  await new Lambda(client).invoke("f", bytesOf("{}")).catch((error) => said.push(messageOf(error)));
  await server.shutdown();
  await new Lambda(client).invoke("f", bytesOf("{}")).catch((error) => said.push(messageOf(error)));
  assert(said.length >= 8, said.join("\n"));
  assert(said.some((line) => line.includes(`POST http://127.0.0.1:${server.addr.port}/2015`)));
  for (const line of said) assert(!line.includes(password), line);
});

Deno.test("an endpoint that is not a URL is refused without its password", async () => {
  for (
    const url of [
      `http://user:${password}@`,
      `http://user:${password}/x@host:port`,
      `http://user:x?${password}#@host:port`,
      `ftp://user:${password}@host`,
    ]
  ) {
    const environment = { AWS_REGION: "us-west-2", AWS_ENDPOINT_URL: url };
    await assert.rejects(findLocation(environment), (error) => {
      assert(!messageOf(error).includes(password), messageOf(error));
      return /is not an http or https URL/.test(messageOf(error));
    });
  }
});

Deno.test("a URL without a password stays as it is", () => {
  for (
    const url of ["http://host", "http://host/a@b?c=@", "not a URL", "http://host:port/@x", ""]
  ) {
    if (URL.canParse(url)) assert.equal(withoutPassword(url), url);
  }
  assert.equal(withoutPassword("http://u:p@host/a@b?c=@d#e"), "http://host/a@b?c=@d#e");
});

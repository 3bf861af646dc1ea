import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { provideCredentials } from "../../lib/aws/credentials/providers.ts";
import { Proxy } from "../peer/proxy.ts";
import { denoDirectory, Workplace } from "./llama.ts";

/** A stub of Lambda and of the services that provide credentials; each key names its source. */
class Aws implements AsyncDisposable {
  /** The key that each invocation was signed with. */
  readonly keys: string[] = [];
  /** The requests to STS. */
  readonly actions: URLSearchParams[] = [];
  /** Returns whether an invocation is refused because its key has expired. */
  hasExpired = (_key: string) => false;
  /** Replaces the responses of STS and the container's server. */
  instead: (() => Response) | undefined;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** @param tls Its key and certificate, if it is reached by https. */
  constructor(tls?: { key: string; cert: string }) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...tls },
      (request) => this.#answer(request),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The environment in which the program finds these services. */
  environment(home: string): Record<string, string> {
    return {
      HOME: home,
      // From source, Deno needs the cache in the real home directory.
      DENO_DIR: denoDirectory,
      AWS_ENDPOINT_URL: this.url,
      AWS_REGION: "us-west-2",
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const body = await request.text();
    if (/invocations$/.test(pathname)) {
      const [, key = ""] = /Credential=([^/]+)/.exec(request.headers.get("authorization") ?? "") ??
        [];
      this.keys.push(key);
      if (this.hasExpired(key)) {
        return Response.json({ message: "The security token included in the request is expired" }, {
          status: 403,
          headers: { "x-amzn-errortype": "ExpiredTokenException" },
        });
      }
      return Response.json({ status: 0, stdout: { s: "ran\n" } });
    }
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
    if (pathname === "/latest/api/token") return new Response("token");
    if (pathname === "/latest/meta-data/iam/security-credentials/") return new Response("role");
    if (pathname === "/latest/meta-data/iam/security-credentials/role") {
      return Response.json({ Code: "Success", ...keys("INSTANCE") });
    }
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    if (pathname === "/container") return this.instead?.() ?? Response.json(keys("CONTAINER"));
    // https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
    if (pathname === "/federation/credentials") {
      assert.equal(request.headers.get("x-amz-sso_bearer_token"), "signed-in");
      return Response.json({
        roleCredentials: {
          accessKeyId: "SSO",
          secretAccessKey: "secret",
          sessionToken: "token",
          expiration: Date.now() + 3_600_000,
        },
      });
    }
    const form = new URLSearchParams(body);
    this.actions.push(form);
    if (this.instead) return this.instead();
    return assumed(form.get("Action") ?? "");
  }
}

function keys(name: string) {
  const Expiration = new Date(Date.now() + 3_600_000).toISOString();
  return { AccessKeyId: name, SecretAccessKey: "the/secret", Token: "token", Expiration };
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
function assumed(action: string): Response {
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = keys(`BY-${action}`);
  const xml = `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
    <${action}Result><Credentials>
      <AccessKeyId>${AccessKeyId}</AccessKeyId><SecretAccessKey>${SecretAccessKey}</SecretAccessKey>
      <SessionToken>${Token}</SessionToken><Expiration>${Expiration}</Expiration>
    </Credentials><AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn>
      <AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser></${action}Result>
    </${action}Response>`;
  return new Response(xml, { headers: { "content-type": "text/xml" } });
}

const sources: {
  from: string;
  config: string;
  environment?: (place: Workplace, aws: Aws) => Record<string, string>;
  key: string;
}[] = [
  {
    from: "a program (credential_process)",
    config: "[default]\ncredential_process = HOME/keys.sh\n",
    key: "PROCESS",
  },
  {
    from: "a role with a source profile",
    config: "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n" +
      "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = secret\n",
    environment: () => ({ AWS_PROFILE: "role" }),
    key: "BY-AssumeRole",
  },
  {
    from: "a web identity in the environment",
    config: "",
    environment: (place) => ({
      AWS_WEB_IDENTITY_TOKEN_FILE: place.join("token"),
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/web",
    }),
    key: "BY-AssumeRoleWithWebIdentity",
  },
  {
    from: "a sign-in (SSO)",
    config: "[profile sso]\nsso_start_url = https://example.awsapps.com/start\n" +
      "sso_region = us-west-2\nsso_account_id = 123456789012\nsso_role_name = r\n",
    environment: () => ({ AWS_PROFILE: "sso" }),
    key: "SSO",
  },
  {
    from: "the role of a container",
    config: "",
    environment: (_, aws) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/container` }),
    key: "CONTAINER",
  },
  {
    from: "the role of an instance",
    config: "",
    environment: (_, aws) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.url }),
    key: "INSTANCE",
  },
];

async function home(place: Workplace, config: string): Promise<void> {
  await place.write(".aws/config", config.replaceAll("HOME", place.path));
  const output = { Version: 1, ...keys("PROCESS"), SessionToken: "token" };
  await place.write("keys.sh", `#!/bin/sh\necho '${JSON.stringify(output)}'\n`, 0o755);
  await place.write("token", "a.web.token");
  const start = createHash("sha1").update("https://example.awsapps.com/start").digest("hex");
  await place.write(
    `.aws/sso/cache/${start}.json`,
    JSON.stringify({
      startUrl: "https://example.awsapps.com/start",
      region: "us-west-2",
      accessToken: "signed-in",
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    }),
  );
}

for (const { from, config, environment, key } of sources) {
  Deno.test(`credentials come from ${from}, once for all jobs`, async () => {
    await using place = new Workplace();
    await using aws = new Aws();
    await home(place, config);
    const { status, stdout, stderr } = await place.run(["xargs", "-j", "3", "f", "{{.Line}}"], {
      stdin: "1\n2\n3\n",
      environment: { ...aws.environment(place.path), ...environment?.(place, aws) },
    });
    assert.equal(stderr, "");
    assert.equal(stdout, "ran\nran\nran\n");
    assert.equal(status, 0);
    assert.deepEqual(aws.keys, [key, key, key]);
    assert(aws.actions.length <= 1);
  });
}

Deno.test("providers of credentials are reached through a proxy, with a CA bundle", async () => {
  // Created by `openssl req -x509` and `openssl x509 -req` for *.us-west-2.amazonaws.com; the
  // authority's key was deleted.
  const tls = new URL("../testdata/tls/", import.meta.url);
  const read = (name: string) => Deno.readTextFile(new URL(name, tls));
  await using place = new Workplace();
  await using aws = new Aws();
  await using sts = new Aws({ key: await read("key.pem"), cert: await read("cert.pem") });
  await using proxy = new Proxy(sts.port);
  await home(
    place,
    "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n" +
      "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = secret\n",
  );
  await place.write("ca.pem", await read("ca.pem"));
  const { AWS_ENDPOINT_URL = "", ...environment } = aws.environment(place.path);
  const { status, stdout, stderr } = await place.run(["invoke", "f"], {
    environment: {
      ...environment,
      AWS_ENDPOINT_URL_LAMBDA: AWS_ENDPOINT_URL,
      AWS_CA_BUNDLE: place.join("ca.pem"),
      HTTPS_PROXY: proxy.url,
    },
  });
  assert.deepEqual([status, stdout, stderr], [0, "ran\n", ""]);
  assert.deepEqual([...proxy.hosts], ["sts.us-west-2.amazonaws.com"]);
  assert.deepEqual(sts.actions.map((action) => action.get("Action")), ["AssumeRole"]);
  assert.deepEqual(aws.keys, ["BY-AssumeRole"]);
});

const endless = {
  STS: (aws: Aws, place: Workplace) => ({ ...aws.environment(place.path), AWS_PROFILE: "role" }),
  "the container's server": (aws: Aws, place: Workplace) => ({
    ...aws.environment(place.path),
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/container`,
  }),
};

for (const [server, environment] of Object.entries(endless)) {
  Deno.test(`an endless response from ${server} is dropped after a megabyte`, async () => {
    await using place = new Workplace();
    await using aws = new Aws();
    const config = sources.find(({ key }) => key === "BY-AssumeRole")?.config ?? assert.fail();
    await home(place, config);
    let sent = 0;
    const ended = Promise.withResolvers<void>();
    const body = new ReadableStream({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(32));
      },
      cancel: () => ended.resolve(),
    });
    aws.instead = () => new Response(body);
    const { status, stderr } = await place.run(["invoke", "f"], {
      environment: environment(aws, place),
    });
    assert.equal(status, 125);
    assert.match(stderr, /^llama: no AWS credentials from .*longer than 1048576 bytes/);
    await ended.promise;
    assert(sent < 16 * 1024 ** 2, `${sent} bytes were sent`);
    assert(aws.actions.length <= 1);
  });
}

Deno.test("without credentials the error lists the places, and nothing is sent", async () => {
  await using place = new Workplace();
  await using aws = new Aws();
  const { status, stderr } = await place.run(["xargs", "f", "{{.Line}}"], {
    stdin: "1\n2\n3\n",
    environment: { ...aws.environment(place.path), AWS_EC2_METADATA_DISABLED: "true" },
  });
  assert.equal(status, 1);
  assert.equal(
    stderr,
    "llama: no AWS credentials: looked for AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, profile " +
      `"default" of ${place.path}/.aws/credentials and ${place.path}/.aws/config, and the role of ` +
      "a container or instance\n" +
      "llama: hint: set them, or run `aws configure`; with -local, jobs run without AWS\n",
  );
  assert.deepEqual(aws.keys, []);
});

Deno.test("credentials that have expired end the whole run", async () => {
  await using place = new Workplace();
  await using aws = new Aws();
  aws.hasExpired = () => true;
  const { status, stderr } = await place.run(["xargs", "-j", "2", "f", "{{.Line}}"], {
    stdin: Array.from({ length: 1000 }, (_, index) => index).join("\n"),
    environment: {
      ...aws.environment(place.path),
      AWS_ACCESS_KEY_ID: "OLD",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "token",
    },
  });
  assert.equal(status, 1);
  assert.match(stderr, /^llama: Lambda refused f: ExpiredTokenException: .*\nllama: hint: sign in/);
  assert(aws.keys.length <= 4, `${aws.keys.length} invocations`);
});

Deno.test("credentials that expire in the middle of a run are renewed once for all jobs in flight", async () => {
  await using place = new Workplace();
  await using aws = new Aws();
  await home(place, "[default]\ncredential_process = HOME/turns.sh\n");
  const output = { Version: 1, ...keys("TURN$turn"), SessionToken: "token" };
  await place.write(
    "turns.sh",
    `#!/bin/sh\ncd "\${0%/*}"; echo turn >>turns; turn=$(wc -l <turns)\n` +
      `cat <<END\n${JSON.stringify(output)}\nEND\n`,
    0o755,
  );
  aws.hasExpired = (key) => key === "TURN1" && aws.keys.length > 20;
  const { status, stdout, stderr } = await place.run(["xargs", "-j", "10", "f", "{{.Line}}"], {
    stdin: Array.from({ length: 100 }, (_, index) => `${index}\n`).join(""),
    environment: aws.environment(place.path),
  });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(stdout, "ran\n".repeat(100));
  assert.equal(await Deno.readTextFile(place.join("turns")), "turn\nturn\n");
  assert.deepEqual(new Set(aws.keys), new Set(["TURN1", "TURN2"]));
});

Deno.test("a credential process that fails is an error without its output", async () => {
  await using place = new Workplace();
  await using aws = new Aws();
  await home(place, "[default]\ncredential_process = sh -c 'echo the/secret; exit 3'\n");
  const { status, stdout, stderr } = await place.run(["-debug-aws", "invoke", "f"], {
    environment: aws.environment(place.path),
  });
  assert.equal(status, 125);
  assert.equal(stdout, "");
  assert.match(stderr, /^llama: no AWS credentials from profile "default": .*\n$/);
});

Deno.test("a role that needs an MFA code is an error without a terminal", async () => {
  await using place = new Workplace();
  await using aws = new Aws();
  await home(
    place,
    "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n" +
      "mfa_serial = arn:aws:iam::123456789012:mfa/me\n" +
      "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = secret\n",
  );
  const { status, stderr } = await place.run(["invoke", "f"], {
    environment: aws.environment(place.path),
    detached: true,
  });
  assert.notEqual(status, 0);
  assert.match(
    stderr,
    /no terminal to ask: MFA code for arn:aws:iam::123456789012:mfa\/me/,
  );
  assert.deepEqual(aws.keys, []);
});

Deno.test("credentials from a provider have an expiration time", async () => {
  await using place = new Workplace();
  await home(place, "[profile p]\ncredential_process = HOME/keys.sh\n");
  const { expiration, ...found } = await provideCredentials({
    source: { kind: "process", from: "profile p", command: place.join("keys.sh") },
    profile: "p",
    environment: { AWS_CONFIG_FILE: place.join(".aws/config") },
  }, { region: "us-west-2", caBundle: undefined, mfaCode: undefined });
  assert.deepEqual(found, {
    accessKeyId: "PROCESS",
    secretAccessKey: "the/secret",
    sessionToken: "token",
  });
  const left = (expiration ?? 0) - Date.now();
  assert(left > 3_500_000 && left <= 3_600_000, String(left));
});

const roleConfig = "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n";
const baseConfig = "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = secret\n";

for (
  const [what, config] of [
    ["endpoint_url", `[default]\nendpoint_url = URL/\n${roleConfig}${baseConfig}`],
    [
      "services",
      `[default]\nservices = here\n${roleConfig}${baseConfig}` +
      "[services here]\nsts =\n  endpoint_url = URL\nlambda =\n  endpoint_url = URL\n",
    ],
  ] as const
) {
  Deno.test(`the role of a profile is assumed at the endpoint of its ${what}`, async () => {
    await using place = new Workplace();
    await using aws = new Aws();
    await home(place, config.replaceAll("URL", aws.url));
    const { AWS_ENDPOINT_URL: _, ...environment } = aws.environment(place.path);
    const { stderr, stdout } = await place.run(["invoke", "f"], { environment });
    assert.deepEqual([stdout, stderr], ["ran\n", ""]);
    assert.deepEqual(aws.actions.map((action) => action.get("Action")), ["AssumeRole"]);
    assert.deepEqual(aws.keys, ["BY-AssumeRole"]);
  });
}

Deno.test("an STS endpoint that cannot be reached is named, with a hint as for any other call", async () => {
  await using place = new Workplace();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  await home(place, `[default]\nendpoint_url = ${url}\n${roleConfig}${baseConfig}`);
  const environment = { HOME: place.path, DENO_DIR: denoDirectory, AWS_REGION: "us-west-2" };
  const { status, stderr } = await place.run(["invoke", "f"], { environment });
  assert.equal(status, 125);
  assert.equal(
    stderr,
    'llama: no AWS credentials from profile "default": AssumeRole of ' +
      `arn:aws:iam::123456789012:role/r: no answer from ${url}: tcp connect error: Connection ` +
      `refused\nllama: hint: AWS_ENDPOINT_URL, a variable like it, or the profile names ${url}, ` +
      "where no server listens: start it, or correct the address\n",
  );
});

Deno.test("a custom STS endpoint takes precedence over FIPS and dual-stack settings", async () => {
  await using place = new Workplace();
  await using aws = new Aws();
  await home(place, `[default]\nuse_dualstack_endpoint = true\n${roleConfig}${baseConfig}`);
  const { stderr, stdout } = await place.run(["invoke", "f"], {
    environment: { ...aws.environment(place.path), AWS_USE_FIPS_ENDPOINT: "true" },
  });
  assert.deepEqual([stdout, stderr], ["ran\n", ""]);
  assert.deepEqual(aws.keys, ["BY-AssumeRole"]);
});

Deno.test("a sign-in is used at the endpoint of its profile", async () => {
  await using place = new Workplace();
  await using aws = new Aws();
  await home(
    place,
    `[profile sso]\nendpoint_url = ${aws.url}\nsso_start_url = https://example.awsapps.com/start\n` +
      "sso_region = us-west-2\nsso_account_id = 123456789012\nsso_role_name = r\n",
  );
  const { AWS_ENDPOINT_URL: _, ...environment } = aws.environment(place.path);
  const { stderr, stdout } = await place.run(["-profile", "sso", "invoke", "f"], {
    // Requests to other machines fail.
    environment: { ...environment, HTTPS_PROXY: "http://127.0.0.1:9", AWS_MAX_ATTEMPTS: "1" },
  });
  assert.deepEqual([stdout, stderr], ["ran\n", ""]);
  assert.deepEqual(aws.keys, ["SSO"]);
});

const failures: {
  what: string;
  config: string;
  environment?: (aws: Aws) => Record<string, string>;
  instead?: () => Response;
  says: RegExp;
}[] = [
  {
    what: "STS refuses a role",
    config: `[default]\n${roleConfig}${baseConfig}`,
    instead: () =>
      new Response(
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>" +
          "<Message>User: me is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>",
        { status: 403, headers: { "content-type": "text/xml" } },
      ),
    says:
      /^llama: no AWS credentials from profile "default": AssumeRole of arn:aws:iam::123456789012:role\/r: AccessDenied: User: me is not authorized to perform: sts:AssumeRole\n/,
  },
  {
    what: "the program of a source profile fails",
    config: `[default]\n${roleConfig}[profile base]\n` +
      "credential_process = sh -c 'echo the/secret; echo sign in first >&2; exit 3'\n",
    says:
      /^llama: no AWS credentials from profile "base": its credential_process ended with status 3: sign in first\n/,
  },
  {
    what: "a container's server refuses",
    config: "",
    environment: (aws) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/container` }),
    instead: () => new Response("the token is wrong\n", { status: 403 }),
    says:
      /^llama: no AWS credentials from the container's role: http:\/\/127\.0\.0\.1:\d+ answered with status 403: the token is wrong\n/,
  },
  {
    what: "a container's server answers with something else",
    config: "",
    environment: (aws) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/container` }),
    instead: () => new Response("the/secret"),
    says:
      /^llama: no AWS credentials from the container's role: http:\/\/127\.0\.0\.1:\d+ did not answer with JSON\n/,
  },
  {
    what: "a container's server is one that anybody might run",
    config: "",
    environment: () => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://10.1.2.3/x" }),
    says:
      /^llama: no AWS credentials from the container's role: AWS_CONTAINER_CREDENTIALS_FULL_URI names 10\.1\.2\.3, which is neither https/,
  },
  {
    what: "a web identity's token is not there",
    config: "",
    environment: () => ({
      AWS_WEB_IDENTITY_TOKEN_FILE: "/nowhere/token",
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/web",
    }),
    says:
      /^llama: no AWS credentials from AWS_WEB_IDENTITY_TOKEN_FILE: cannot read its token \/nowhere\/token: no such file or directory\n/,
  },
  {
    what: "nobody is signed in",
    config: "[default]\nsso_start_url = https://other.awsapps.com/start\nsso_region = us-west-2\n" +
      "sso_account_id = 123456789012\nsso_role_name = r\n",
    says:
      /^llama: no AWS credentials from profile "default": SSO: .*\nllama: hint: sign in: aws sso login --profile default\n/,
  },
];

for (const { what, config, environment, instead, says } of failures) {
  Deno.test(`if ${what}, the error has its reason and no secret`, async () => {
    await using place = new Workplace();
    await using aws = new Aws();
    await home(place, config);
    aws.instead = instead;
    const { status, stderr } = await place.run(["-debug-aws", "invoke", "f"], {
      environment: { ...aws.environment(place.path), ...environment?.(aws) },
    });
    assert.equal(status, 125);
    assert.match(stderr, says);
    assert(!stderr.includes("the/secret"), stderr);
    assert.deepEqual(aws.keys, []);
  });
}

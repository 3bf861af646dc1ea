import assert from "node:assert/strict";
import {
  type CredentialProvider,
  findCredentials,
} from "../../../lib/aws/credentials/credentials.ts";
import { looksLikeEc2 } from "../../../lib/aws/ec2.ts";
import { bucketUrl, findLocation, type Location, serviceUrl } from "../../../lib/aws/endpoint.ts";
import { partitionOf } from "../../../lib/aws/partition.ts";
import { LlamaError } from "../../../lib/errors.ts";
import { TemporaryDirectory } from "../../helpers.ts";

const credentialsFile = `
# a comment
[default]
aws_access_key_id = DEFAULTKEY
aws_secret_access_key = default/secret

[work]
aws_access_key_id=WORKKEY
aws_secret_access_key=work/secret=
aws_session_token = tok
`;
const configFile = `
[default]
region = eu-west-1
s3 =
  addressing_style = path
[profile work]
region=us-east-2
endpoint_url = http://127.0.0.1:9/
[profile empty]
output = json
`;

async function home(directory: TemporaryDirectory): Promise<Record<string, string>> {
  await directory.write(".aws/credentials", credentialsFile);
  await directory.write(".aws/config", configFile);
  return { HOME: directory.path };
}

Deno.test("the environment's credentials come before the default profile", async () => {
  await using directory = new TemporaryDirectory();
  const environment = {
    ...await home(directory),
    AWS_ACCESS_KEY_ID: "ENVKEY",
    AWS_SECRET_ACCESS_KEY: "env",
    AWS_SESSION_TOKEN: "t",
  };
  assert.deepEqual(await findCredentials(environment), {
    accessKeyId: "ENVKEY",
    secretAccessKey: "env",
    sessionToken: "t",
  });
  assert.equal((await findCredentials(environment, { profile: "work" })).accessKeyId, "WORKKEY");
});

Deno.test("a profile is found in the AWS CLI's files", async () => {
  await using directory = new TemporaryDirectory();
  const environment = await home(directory);
  assert.equal((await findCredentials(environment)).accessKeyId, "DEFAULTKEY");
  assert.deepEqual(await findCredentials({ ...environment, AWS_PROFILE: "work" }), {
    accessKeyId: "WORKKEY",
    secretAccessKey: "work/secret=",
    sessionToken: "tok",
  });
  const elsewhere = {
    HOME: "/nowhere",
    AWS_SHARED_CREDENTIALS_FILE: directory.join(".aws/credentials"),
  };
  assert.equal((await findCredentials(elsewhere)).accessKeyId, "DEFAULTKEY");
});

Deno.test("a profile that is in neither file is an error, whatever else is set", async () => {
  await using directory = new TemporaryDirectory();
  const environment = {
    ...await home(directory),
    AWS_REGION: "us-west-2",
    AWS_ACCESS_KEY_ID: "ENVKEY",
    AWS_SECRET_ACCESS_KEY: "env",
  };
  const message = new RegExp(`no profile "none" in ${directory.path}/.aws/credentials and `);
  await assert.rejects(findCredentials(environment, { profile: "none" }), message);
  await assert.rejects(findLocation(environment, { profile: "none" }), message);
  await assert.rejects(findLocation({ ...environment, AWS_PROFILE: "none" }), message);
});

Deno.test("without credentials the error names the places searched", async () => {
  const environment = { HOME: "/nowhere" };
  const isEc2 = () => Promise.resolve(false);
  await assert.rejects(findCredentials(environment, { isEc2 }), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "credentials");
    assert.equal(
      error.message,
      "no AWS credentials: looked for AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, " +
        'profile "default" of /nowhere/.aws/credentials and /nowhere/.aws/config, ' +
        "and the role of a container or instance",
    );
    return true;
  });
  await using directory = new TemporaryDirectory();
  await assert.rejects(
    findCredentials(await home(directory), {
      profile: "empty",
      isEc2,
    }),
    /^LlamaError: no AWS credentials: looked for profile "empty" of /,
  );
});

Deno.test("the region comes from the command line, the environment or the profile", async () => {
  await using directory = new TemporaryDirectory();
  const environment = await home(directory);
  const region = async (more: Record<string, string>, named = {}) =>
    (await findLocation({ ...environment, ...more }, named)).region;
  assert.equal(await region({}), "eu-west-1");
  assert.equal(await region({}, { profile: "work" }), "us-east-2");
  assert.equal(await region({ AWS_DEFAULT_REGION: "sa-east-1" }), "sa-east-1");
  assert.equal(await region({ AWS_DEFAULT_REGION: "x-1", AWS_REGION: "ca-west-1" }), "ca-west-1");
  assert.equal(
    await region({ AWS_REGION: "ca-west-1" }, { region: "us-gov-west-1" }),
    "us-gov-west-1",
  );
  await assert.rejects(findLocation({ HOME: "/nowhere" }), /^LlamaError: no AWS region: /);
  await assert.rejects(region({}, { region: "us.example.com/" }), /is not an AWS region/);
});

Deno.test("endpoints come from the service's setting, the general one, or the profile", async () => {
  await using directory = new TemporaryDirectory();
  const environment = await home(directory);
  const work = await findLocation(environment, { profile: "work" });
  assert.equal(serviceUrl(work, "lambda"), "http://127.0.0.1:9");
  const both = await findLocation({
    ...environment,
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    AWS_ENDPOINT_URL_S3: "https://s3.example.org/",
  });
  assert.equal(serviceUrl(both, "lambda"), "http://127.0.0.1:1");
  assert.equal(bucketUrl(both, "b"), "https://s3.example.org/b");
  await assert.rejects(
    findLocation({ ...environment, AWS_ENDPOINT_URL_S3: "ftp://x" }),
    /AWS_ENDPOINT_URL_S3: "ftp:\/\/x" is not an http or https URL/,
  );
});

Deno.test("AWS's own endpoints follow region and bucket", () => {
  const at = (region: string) => ({ region, endpoints: {} });
  assert.equal(serviceUrl(at("us-west-2"), "lambda"), "https://lambda.us-west-2.amazonaws.com");
  assert.equal(
    serviceUrl(at("cn-north-1"), "lambda"),
    "https://lambda.cn-north-1.amazonaws.com.cn",
  );
  assert.equal(bucketUrl(at("us-west-2"), "b"), "https://b.s3.us-west-2.amazonaws.com");
  // A name with dots would not match the certificate.
  assert.equal(
    bucketUrl(at("us-west-2"), "llama.1606000000"),
    "https://s3.us-west-2.amazonaws.com/llama.1606000000",
  );
});

Deno.test("every partition has its own endpoints, and IAM its own region", () => {
  const expected: [region: string, lambda: string, iam: string, iamRegion: string][] = [
    ["eu-west-1", "lambda.eu-west-1.amazonaws.com", "iam.amazonaws.com", "us-east-1"],
    [
      "cn-northwest-1",
      "lambda.cn-northwest-1.amazonaws.com.cn",
      "iam.cn-north-1.amazonaws.com.cn",
      "cn-north-1",
    ],
    [
      "us-gov-east-1",
      "lambda.us-gov-east-1.amazonaws.com",
      "iam.us-gov.amazonaws.com",
      "us-gov-west-1",
    ],
    [
      "eusc-de-east-1",
      "lambda.eusc-de-east-1.amazonaws.eu",
      "iam.eusc-de-east-1.amazonaws.eu",
      "eusc-de-east-1",
    ],
    [
      "us-iso-west-1",
      "lambda.us-iso-west-1.c2s.ic.gov",
      "iam.us-iso-east-1.c2s.ic.gov",
      "us-iso-east-1",
    ],
    [
      "us-isob-east-1",
      "lambda.us-isob-east-1.sc2s.sgov.gov",
      "iam.us-isob-east-1.sc2s.sgov.gov",
      "us-isob-east-1",
    ],
    [
      "eu-isoe-west-1",
      "lambda.eu-isoe-west-1.cloud.adc-e.uk",
      "iam.eu-isoe-west-1.cloud.adc-e.uk",
      "eu-isoe-west-1",
    ],
    [
      "us-isof-east-1",
      "lambda.us-isof-east-1.csp.hci.ic.gov",
      "iam.us-isof-south-1.csp.hci.ic.gov",
      "us-isof-south-1",
    ],
  ];
  for (const [region, lambda, iam, iamRegion] of expected) {
    const location = { region, endpoints: {} };
    assert.equal(serviceUrl(location, "lambda"), `https://${lambda}`);
    assert.equal(serviceUrl(location, "iam"), `https://${iam}`);
    assert.equal(bucketUrl(location, "b"), `https://b.s3${lambda.slice("lambda".length)}`);
    assert.equal(partitionOf(region).iamRegion, iamRegion);
  }
});

Deno.test("FIPS and dual-stack endpoints are used if requested, or refused", async () => {
  await using directory = new TemporaryDirectory();
  const at = async (region: string, environment: Record<string, string>, profile = "") => {
    await directory.write(".aws/config", `[default]\nregion = ${region}\n${profile}`);
    return await findLocation({ HOME: directory.path, ...environment });
  };
  const both = { AWS_USE_FIPS_ENDPOINT: "true", AWS_USE_DUALSTACK_ENDPOINT: "true" };
  const plain = await at("us-east-1", both);
  assert.equal(serviceUrl(plain, "lambda"), "https://lambda-fips.us-east-1.api.aws");
  assert.equal(serviceUrl(plain, "ecr"), "https://ecr-fips.us-east-1.api.aws");
  assert.equal(bucketUrl(plain, "b"), "https://b.s3-fips.dualstack.us-east-1.amazonaws.com");
  const fips = await at("us-gov-west-1", {}, "use_fips_endpoint = true\n");
  assert.equal(serviceUrl(fips, "lambda"), "https://lambda-fips.us-gov-west-1.amazonaws.com");
  assert.equal(serviceUrl(fips, "sts"), "https://sts.us-gov-west-1.amazonaws.com");
  const named = await at("fips-us-west-2", {});
  assert.equal(serviceUrl(named, "sts"), "https://sts-fips.us-west-2.amazonaws.com");
  const off = await at(
    "us-west-2",
    { AWS_USE_FIPS_ENDPOINT: "false" },
    "use_fips_endpoint = true\n",
  );
  assert.equal(serviceUrl(off, "sts"), "https://sts.us-west-2.amazonaws.com");
  const china = await at("cn-north-1", both);
  assert.throws(() => bucketUrl(china, "b"), /s3 has no FIPS endpoint in partition aws-cn$/);
  const isoe = await at("eu-isoe-west-1", { AWS_USE_DUALSTACK_ENDPOINT: "true" });
  assert.throws(
    () => serviceUrl(isoe, "sts"),
    /sts has no dual-stack endpoint in partition aws-iso-e$/,
  );
});

Deno.test("a profile's services have their own endpoints, unless configured to be ignored", async () => {
  await using directory = new TemporaryDirectory();
  const at = async (more: string, environment: Record<string, string> = {}) => {
    const config =
      `[default]\nregion = us-west-2\nservices = mine\nendpoint_url = http://all.local\n` +
      `${more}[services mine]\nlambda =\n  endpoint_url = http://lambda.local/\n` +
      `service_quotas =\n  endpoint_url = http://quotas.local\n`;
    await directory.write(".aws/config", config);
    return await findLocation({ HOME: directory.path, ...environment });
  };
  const urls = (
    { endpoints: { lambda, servicequotas, s3 } }: Location,
  ) => [lambda, servicequotas, s3];
  assert.deepEqual(urls(await at("")), [
    "http://lambda.local",
    "http://quotas.local",
    "http://all.local",
  ]);
  assert.deepEqual(
    urls(
      await at("", { AWS_ENDPOINT_URL: "http://e.local", AWS_ENDPOINT_URL_S3: "http://s3.local" }),
    ),
    ["http://e.local", "http://e.local", "http://s3.local"],
  );
  const ignored = await at("ignore_configured_endpoint_urls = true\n");
  assert.deepEqual(urls(ignored), [undefined, undefined, undefined]);
  await directory.write(".aws/config", "[default]\nregion = us-west-2\nservices = gone\n");
  await assert.rejects(
    findLocation({ HOME: directory.path }),
    /^LlamaError: profile "default" names the services "gone", but .*\/config has no such section$/,
  );
});

Deno.test("buckets are addressed as the profile says", async () => {
  await using directory = new TemporaryDirectory();
  const url = async (settings: string, bucket = "b", endpoint = "") => {
    const config = `[default]\nregion = us-west-2\n${endpoint}s3 =\n  ${settings}\n`;
    await directory.write(".aws/config", config);
    return bucketUrl(await findLocation({ HOME: directory.path }), bucket);
  };
  const own = "endpoint_url = http://s3.local:9000\n";
  assert.equal(await url("addressing_style = path"), "https://s3.us-west-2.amazonaws.com/b");
  assert.equal(await url("addressing_style = auto", "b", own), "http://s3.local:9000/b");
  assert.equal(await url("addressing_style = virtual", "b", own), "http://b.s3.local:9000");
  assert.equal(
    await url("use_dualstack_endpoint = true"),
    "https://b.s3.dualstack.us-west-2.amazonaws.com",
  );
  const accelerated = "use_accelerate_endpoint = true";
  assert.equal(await url(accelerated), "https://b.s3-accelerate.amazonaws.com");
  await assert.rejects(url(accelerated, "b", own), /bucket b has no accelerated endpoint$/);
});

Deno.test("an unreadable file counts as absent, and the message says so if nothing is found", async () => {
  const environment = { HOME: "/nowhere", AWS_CONFIG_FILE: "/dev/null/config" };
  await assert.rejects(
    findCredentials(environment, { isEc2: () => Promise.resolve(false) }),
    /of \/nowhere\/\.aws\/credentials and \/dev\/null\/config \(not a directory\), and the role/,
  );
});

async function withFiles(
  files: { config?: string; credentials?: string },
  environment: Record<string, string> = {},
): Promise<{ directory: TemporaryDirectory; environment: Record<string, string> }> {
  const directory = new TemporaryDirectory();
  await directory.write(".aws/config", files.config ?? "");
  await directory.write(".aws/credentials", files.credentials ?? "");
  return { directory, environment: { HOME: directory.path, ...environment } };
}

/** Tells what it was asked for. */
const provider: CredentialProvider = ({ source }) =>
  Promise.resolve({ accessKeyId: source.kind, secretAccessKey: source.from });

Deno.test("AWS_WEB_IDENTITY_TOKEN_FILE comes before the keys of a profile that was not named", async () => {
  const files = await withFiles({ credentials: credentialsFile }, {
    AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
    AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/web",
  });
  await using _directory = files.directory;
  const found = await findCredentials(files.environment, { provider });
  assert.equal(found.accessKeyId, "web-identity");
  const named = await findCredentials(files.environment, { provider, profile: "work" });
  assert.equal(named.accessKeyId, "WORKKEY");
});

Deno.test("an incomplete key pair is refused, and no other keys are used", async () => {
  const files = await withFiles({
    config: "[profile half]\naws_access_key_id = HALF\n",
    credentials: credentialsFile,
  });
  await using _directory = files.directory;
  await assert.rejects(
    findCredentials({ ...files.environment, AWS_ACCESS_KEY_ID: "HALF" }),
    /^LlamaError: no AWS credentials: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not$/,
  );
  await assert.rejects(
    findCredentials(files.environment, { profile: "half" }),
    /^LlamaError: no AWS credentials: profile "half" has an incomplete key pair in .*config: aws_secret_access_key is/,
  );
});

Deno.test("keys and token of the two files are not mixed", async () => {
  const files = await withFiles({
    config:
      "[default]\naws_access_key_id = OLD\naws_secret_access_key = old\naws_session_token = T\n",
    credentials: "[default]\naws_access_key_id = NEW\naws_secret_access_key = new\n",
  });
  await using _directory = files.directory;
  assert.deepEqual(await findCredentials(files.environment), {
    accessKeyId: "NEW",
    secretAccessKey: "new",
    sessionToken: undefined,
  });
});

Deno.test("keys in the environment that have expired are refused with the time", async () => {
  const environment = {
    HOME: "/nowhere",
    AWS_ACCESS_KEY_ID: "KEY",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_CREDENTIAL_EXPIRATION: "2020-01-01T00:00:00Z",
  };
  await assert.rejects(
    findCredentials(environment),
    /^LlamaError: the AWS credentials from the environment expired at 2020-01-01T00:00:00\.000Z$/,
  );
});

Deno.test("a profile that cannot provide credentials is refused with the reason", async () => {
  const role = (more: string) => `role_arn = arn:aws:iam::123456789012:role/r\n${more}\n`;
  const files = await withFiles({
    config: `[profile gone]\n${role("source_profile = nobody")}` +
      `[profile loop]\n${role("source_profile = pool")}[profile pool]\n${
        role("source_profile = loop")
      }` +
      `[profile alone]\n${role("")}[profile empty]\n${role("source_profile = plain")}` +
      `[profile plain]\noutput = json\n[profile where]\n${role("credential_source = Moon")}` +
      `[profile both]\n${role("credential_source = Environment\nsource_profile = plain")}` +
      `[profile brief]\n${role("source_profile = keys\nrole_session_name = m")}` +
      `[profile short]\n${role("source_profile = keys\nduration_seconds = 60")}` +
      `[profile keys]\naws_access_key_id = K\naws_secret_access_key = S\n` +
      `[profile sign]\nsso_account_id = 1\nsso_session = s\n`,
  });
  await using _directory = files.directory;
  const message = async (profile: string) => {
    const error = await findCredentials(files.environment, { profile }).catch((error) => error);
    assert(error instanceof LlamaError && error.code === "credentials");
    return error.message.replace("no AWS credentials: ", "");
  };
  const expected = {
    gone: 'profile "gone" has source_profile = nobody, which does not exist',
    loop: 'profile "pool" has source_profile = loop, which leads back to it',
    alone: 'profile "alone" has role_arn, but neither source_profile nor credential_source',
    empty: 'profile "empty" has source_profile = plain, which has no credentials',
    where: 'profile "where" has an unknown credential_source: "Moon"',
    both: 'profile "both" has both source_profile and credential_source',
    brief: 'role_session_name for profile "brief" has fewer than 2 characters',
    short: 'duration_seconds for profile "short" is less than 900',
    sign: 'profile "sign" names sso_session s, but there is no [sso-session s]',
  };
  for (const [profile, words] of Object.entries(expected)) {
    assert.equal(await message(profile), words);
  }
});

Deno.test("a file that the AWS CLI refuses is refused, and the error does not quote it", async () => {
  const secret = "AKIASECRET";
  for (
    const [text, why] of [
      [`[default]\n${secret}\n`, "line 2 is not NAME = VALUE"],
      [`a = ${secret}\n`, "line 1 comes before the first [section]"],
      [`\ufeff[default]\na = ${secret}\n`, "it begins with a byte order mark"],
      [`[default]\na = ${secret}\nA = 2\n`, "line 3 repeats a setting of its section"],
      [`[default]\n[default]\na = ${secret}\n`, "line 2 repeats a section"],
      [`[default]\ns3 =\n  ${secret}\n`, "an indented line below s3 is not NAME = VALUE"],
    ] as const
  ) {
    const files = await withFiles({ credentials: text });
    await using directory = files.directory;
    await assert.rejects(findCredentials(files.environment), (error) => {
      assert(error instanceof LlamaError);
      assert.equal(error.message, `cannot read ${directory.join(".aws/credentials")}: ${why}`);
      assert(!String(error.stack).includes(secret));
      return true;
    });
  }
  const latin = await withFiles({});
  await using _directory = latin.directory;
  await Deno.writeFile(latin.directory.join(".aws/config"), new Uint8Array([0x5b, 0xe9, 0x5d]));
  await assert.rejects(findCredentials(latin.environment), /config: it is not UTF-8$/);
});

Deno.test("credentials that a program prints are used; if it fails, the error has its own reason", async () => {
  const program = (script: string) =>
    `[default]\nregion = x-1\ncredential_process = sh -c '${script}' \n`;
  const find = async (script: string) => {
    const files = await withFiles({ config: program(script) });
    await using _directory = files.directory;
    return await findCredentials(files.environment);
  };
  const printed = '{"Version":1,"AccessKeyId":"KEY","SecretAccessKey":"the/secret"}';
  assert.equal((await find(`echo "${printed.replaceAll('"', '\\"')}"`)).accessKeyId, "KEY");
  for (
    const [script, why] of [
      ["echo the/secret; echo sign in first >&2; exit 3", "ended with status 3: sign in first"],
      ["exit 1", "ended with status 1 and wrote nothing to stderr"],
      ['printf "\\033[2Jgone" >&2; exit 1', "ended with status 1: \\x1b[2Jgone"],
      [
        'echo {\\"SecretAccessKey\\": \\"the/secret\\"} >&2; exit 1',
        "ended with status 1 and wrote credentials to stderr",
      ],
      ["echo the/secret", "did not print JSON"],
      ['echo {\\"Version\\": 2}', "printed credentials of version 2, not 1"],
      [
        'echo {\\"Version\\": 1, \\"AccessKeyId\\": \\"K\\"}',
        "printed credentials without SecretAccessKey",
      ],
    ] as const
  ) {
    await assert.rejects(find(script), (error) => {
      assert(error instanceof LlamaError && error.code === "credentials");
      const start = 'no AWS credentials from profile "default": its credential_process ';
      assert.equal(error.message, start + why);
      return true;
    });
  }
  const missing = await withFiles({
    config: "[default]\ncredential_process = /gone/keys the/secret\n",
  });
  await using _directory = missing.directory;
  await assert.rejects(
    findCredentials(missing.environment),
    /its credential_process "\/gone\/keys" cannot be started: no such file or directory$/,
  );
});

Deno.test("an EC2 instance is recognized by its firmware or hypervisor, whichever is readable", async () => {
  const machines: [files: Record<string, string>, isEc2: boolean][] = [
    [{ "class/dmi/id/board_asset_tag": "i-0123456789abcdef0\n" }, true],
    [{ "class/dmi/id/sys_vendor": "Amazon EC2\n" }, true],
    [{ "class/dmi/id/board_asset_tag": "none\n", "class/dmi/id/sys_vendor": "Amazon EC2\n" }, true],
    [{ "class/dmi/id/sys_vendor": "Xen\n", "class/dmi/id/bios_version": "4.11.amazon\n" }, true],
    [{ "hypervisor/uuid": "ec2e1916-9099-7caf-fd21-012345abcdef\n" }, true],
    [{ "class/dmi/id/product_uuid": "45E12AEC-DCD1-B213-94ED-01234ABCDEF0\n" }, true],
    [{
      "class/dmi/id/sys_vendor": "Xen\n",
      "hypervisor/uuid": "f00df00d-9099-7caf-fd21-012345abcdef\n",
    }, false],
    [{}, false],
  ];
  for (const [files, isEc2] of machines) {
    await using sys = new TemporaryDirectory();
    for (const [name, text] of Object.entries(files)) await sys.write(name, text);
    assert.equal(await looksLikeEc2(sys.path), isEc2, JSON.stringify(files));
  }
});

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCredentialProcess } from "../../lib/aws/credentials/credential_process.ts";
import type { CredentialSource } from "../../lib/aws/credentials/credential_source.ts";
import { findCredentials } from "../../lib/aws/credentials/credentials.ts";
import { bucketUrl, findLocation, type Service, serviceUrl } from "../../lib/aws/endpoint.ts";
import { IniError, parseIni, type Section, splitWords } from "../../lib/aws/credentials/ini.ts";
import { LlamaError } from "../../lib/errors.ts";
import { TemporaryDirectory, testWith } from "../helpers.ts";
import { type AwsCase, Generator, handWritten } from "./botocore_cases.ts";

/** All of them, by the type of the object. */
const served: Record<Service, true> = {
  lambda: true,
  s3: true,
  sts: true,
  iam: true,
  cloudformation: true,
  ecr: true,
  logs: true,
  servicequotas: true,
};
const services = Object.keys(served).filter((name): name is Service => name in served);

/** Another one makes other cases. */
const seed = Number(Deno.env.get("LLAMA_TEST_SEED") ?? 1);

interface Refused {
  readonly refused: string;
}

interface Place {
  readonly region: string | null;
  readonly urls: readonly string[];
}

interface Keys {
  readonly key: string;
  readonly secret: string;
  readonly token: string | null;
}

type Answer = Record<Service, Place | Refused> & { identity: Keys | Refused };

async function attempt<T>(work: () => Promise<T> | T): Promise<T | Refused> {
  try {
    return await work();
  } catch (error) {
    // Anything else would be a defect.
    assert(error instanceof LlamaError, error instanceof Error ? error : String(error));
    return { refused: error.message };
  }
}

function isRefused(answer: object): answer is Refused {
  return "refused" in answer;
}

/** What llama makes of a case, without sending anything. */
async function ask(environment: Record<string, string>, profile: string | undefined) {
  const location = await attempt(() => findLocation(environment, { profile }));
  const place = (service: Service) =>
    attempt(() => {
      if (isRefused(location)) throw new LlamaError("config", location.refused);
      const { region } = location;
      const urls = service === "s3"
        ? ["bucket", "dotted.bucket"].map((bucket) => bucketUrl(location, bucket))
        : [serviceUrl(location, service)];
      return { region: service === "iam" ? null : region, urls };
    });
  const sts = () => {
    if (isRefused(location)) throw new LlamaError("config", location.refused);
    return serviceUrl(location, "sts");
  };
  const told = (kind: string, what: object) => JSON.stringify([kind, sorted(what)]);
  const keyOf = async (source: CredentialSource): Promise<string> => {
    switch (source.kind) {
      case "keys":
        return source.credentials.accessKeyId;
      case "role":
        return told("AssumeRole", {
          url: sts(),
          by: await keyOf(source.source),
          RoleArn: source.roleArn,
          RoleSessionName: source.sessionName,
          ExternalId: source.externalId,
          SerialNumber: source.mfaSerial,
          TokenCode: source.mfaSerial === undefined ? undefined : "123456",
          DurationSeconds: source.durationSeconds,
        });
      case "web-identity":
        return told("AssumeRoleWithWebIdentity", {
          url: sts(),
          RoleArn: source.roleArn,
          RoleSessionName: source.sessionName,
          WebIdentityToken: await Deno.readTextFile(source.tokenFile).catch((cause) => {
            throw new LlamaError("credentials", "no token", { cause });
          }),
        });
      case "sso":
        return told("sso", {
          accountId: source.accountId,
          region: source.region,
          roleName: source.roleName,
        });
      case "container": {
        const relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];
        const url = relative === undefined
          ? environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
          : `http://169.254.170.2${relative}`;
        return told("container", { url });
      }
      case "instance":
        return told("instance", {});
      case "process":
        return (await runCredentialProcess(source.command, source.from, environment)).accessKeyId;
      case "login":
        throw new Error("no case has login_session");
    }
  };
  const identity = await attempt(async () => {
    const found = await findCredentials(environment, {
      profile,
      isEc2: () => Promise.resolve(true),
      provider: async ({ source }) => ({
        accessKeyId: await keyOf(source),
        secretAccessKey: "secret",
        sessionToken: "token",
      }),
    });
    const { accessKeyId: key, secretAccessKey: secret, sessionToken: token = null } = found;
    return { key, secret, token };
  });
  const places = await Promise.all(
    services.map(async (each) => [each, await place(each)] as const),
  );
  return { location, places: new Map(places), identity };
}

function sorted(what: object): object {
  const entries = Object.entries(what).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
}

/** Where both refuse it does not matter for what reason. */
function reduced(answer: object): object | string {
  return isRefused(answer) ? "refused" : answer;
}

/**
 * botocore puts a bucket whose name has dots before an IP address, where there is no such host; llama
 * addresses it by path, as botocore does any other bucket there.
 */
const noHost = /(http:\/\/)(dotted\.bucket)\.(127\.0\.0\.1:\d+)/g;

/** What is different; empty if nothing is. */
function compare(theirs: Answer, ours: Awaited<ReturnType<typeof ask>>): string[] {
  const differences: string[] = [];
  const look = (what: string, expected: object, actual: object) => {
    try {
      assert.deepEqual(reduced(actual), reduced(expected));
    } catch {
      differences.push(
        `${what}: botocore ${JSON.stringify(expected)}, llama ${JSON.stringify(actual)}`,
      );
    }
  };
  // llama looks at the settings of all services at once, and then gets no credentials.
  if (isRefused(ours.location) && services.some((service) => isRefused(theirs[service]))) return [];
  for (const [service, place] of ours.places) look(service, theirs[service], place);
  look("identity", theirs.identity, ours.identity);
  return differences;
}

/** Asks botocore, in one process for all cases. */
async function askBotocore<T>(cases: readonly object[]): Promise<T[]> {
  const python = join(dirname(Deno.env.get("LLAMA_TEST_MOTO") ?? ""), "python");
  const script = fileURLToPath(new URL("botocore_answers.py", import.meta.url));
  const child = new Deno.Command(python, {
    args: ["-W", "ignore", script],
    env: { PYTHONUTF8: "1", PYTHONDONTWRITEBYTECODE: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = new Blob(cases.map((each) => `${JSON.stringify(each)}\n`));
  const [{ success, stdout, stderr }] = await Promise.all([
    child.output(),
    input.stream().pipeTo(child.stdin),
  ]);
  assert(success, new TextDecoder().decode(stderr));
  const answers = new TextDecoder().decode(stdout).trim().split("\n");
  assert.equal(answers.length, cases.length);
  return answers.map((line) => JSON.parse(line.replaceAll(noHost, "$1$3/$2")));
}

async function write(directory: TemporaryDirectory, name: string, { files }: AwsCase) {
  const home = directory.join(name);
  for (const [path, text] of Object.entries(files)) {
    await directory.write(join(name, path), text.replaceAll("HOME", home), 0o755);
  }
  return home;
}

async function check(cases: readonly AwsCase[]): Promise<{ keys: number; places: number }> {
  await using directory = new TemporaryDirectory();
  const asked = await Promise.all(cases.map(async (each, index) => {
    const home = await write(directory, `case-${index}`, each);
    const environment = Object.entries({
      PATH: "/usr/bin:/bin",
      BOTO_CONFIG: "/nowhere",
      HOME: "HOME",
      ...each.environment,
    }).map(([name, value]) => [name, value.replaceAll("HOME", home)]);
    return { environment: Object.fromEntries(environment), profile: each.profile ?? null };
  }));
  const theirs = await askBotocore<Answer>(asked);
  const failures: string[] = [];
  for (const [index, { environment, profile }] of asked.entries()) {
    const answer = theirs[index];
    assert(answer);
    const differences = compare(answer, await ask(environment, profile ?? undefined));
    if (differences.length === 0) continue;
    const shown = JSON.stringify(cases[index], null, 1);
    failures.push(`case ${index}:\n${differences.join("\n")}\n${shown}`);
  }
  const number = `${failures.length} of ${cases.length} cases differ`;
  assert.equal(failures.length, 0, [number, ...failures.slice(0, 5)].join("\n\n"));
  return {
    keys: theirs.filter(({ identity }) => !isRefused(identity)).length,
    places: theirs.filter(({ lambda }) => !isRefused(lambda)).length,
  };
}

testWith(
  ["LLAMA_TEST_MOTO"],
  "realistic files and environments mean the same as to the AWS CLI",
  async () => {
    await check(handWritten);
  },
);

testWith(
  ["LLAMA_TEST_MOTO"],
  "random files and environments mean the same as to the AWS CLI",
  async () => {
    const generator = new Generator(seed);
    const count = Number(Deno.env.get("LLAMA_TEST_CASES") ?? 250);
    const { keys, places } = await check(Array.from({ length: count }, () => generator.next()));
    // Or it would prove little.
    assert(keys > count / 4 && places > count / 4, `${keys} and ${places} of ${count} not refused`);
  },
);

type Sections = Record<string, Record<string, string | Record<string, string>>>;

function readSections(text: string): { sections: Sections } | "refused" {
  try {
    const plain = (section: Section) =>
      Object.fromEntries(
        [...section].map(([name, value]) => [
          name,
          typeof value === "string" ? value : Object.fromEntries(value),
        ]),
      );
    const sections = [...parseIni(text)].map(([name, section]) => [name, plain(section)]);
    return { sections: Object.fromEntries(sections) };
  } catch (error) {
    assert(error instanceof IniError);
    return "refused";
  }
}

testWith(
  ["LLAMA_TEST_MOTO"],
  "random text is parsed as by Python's configparser",
  async () => {
    const generator = new Generator(seed);
    const texts = Array.from({ length: 3000 }, () => generator.text());
    const theirs = await askBotocore<object>(texts.map((ini) => ({ ini })));
    for (const [index, ini] of texts.entries()) {
      assert.deepEqual(readSections(ini), reduced(theirs[index] ?? {}), JSON.stringify(ini));
    }
    assert(theirs.filter((answer) => !isRefused(answer)).length > texts.length / 4);
  },
);

testWith(["LLAMA_TEST_MOTO"], "words made at random are split as by Python's shlex", async () => {
  const generator = new Generator(seed);
  const texts = Array.from({ length: 1000 }, () => generator.command());
  const theirs = await askBotocore<object>(texts.map((words) => ({ words })));
  for (const [index, text] of texts.entries()) {
    let ours: object | string;
    try {
      ours = { words: splitWords(text) };
    } catch (error) {
      assert(error instanceof IniError);
      ours = "refused";
    }
    assert.deepEqual(ours, reduced(theirs[index] ?? {}), JSON.stringify(text));
  }
});

/** Cases of tests/aws/botocore_test.ts: the AWS CLI's files, and environments. */

/** Files, an environment and a profile. `HOME` in them stands for the home directory's path. */
export interface AwsCase {
  /** Texts of files by their paths below the home directory. */
  files: Record<string, string>;
  /** Environment variables besides `HOME` and `PATH`. */
  environment: Record<string, string>;
  /** The profile that `-profile` names. */
  profile?: string | undefined;
}

const program = `#!/bin/sh
echo '{"Version":1,"AccessKeyId":"PROCESS","SecretAccessKey":"'"$#:$*"'"}'
`;
const others = { "keys.sh": program, token: "a.web.token", "my dir/keys.sh": program };

const keys = (name: string) => `aws_access_key_id = AK${name}\naws_secret_access_key = SK${name}\n`;

function of(
  config: string,
  credentials: string,
  environment: Record<string, string> = {},
  profile?: string,
): AwsCase {
  const files = { ".aws/config": config, ".aws/credentials": credentials, ...others };
  return { files, environment, profile };
}

const region = "[default]\nregion = eu-west-1\n";
const base = `[base]\n${keys("BASE")}`;
const role = "role_arn = arn:aws:iam::123456789012:role/a\n";
const roleOf = (more: string) => `[profile a]\nregion = us-east-1\n${role}${more}`;
const sso = "[profile s]\nregion = us-east-1\nsso_session = x\nsso_account_id = 123456789012\n" +
  "sso_role_name = R\n";
const session = "[sso-session x]\nsso_start_url = https://e.awsapps.com/start\n" +
  "sso_region = us-east-1\n";
const web = {
  AWS_WEB_IDENTITY_TOKEN_FILE: "HOME/token",
  AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/w",
};

const regions = [
  "us-west-2",
  "us-east-1",
  "cn-north-1",
  "cn-northwest-1",
  "eusc-de-east-1",
  "us-iso-east-1",
  "us-isob-east-1",
  "eu-isoe-west-1",
  "us-isof-south-1",
  "us-gov-west-1",
  "us-gov-east-1",
  "mars-1",
];

/** Every partition, with every kind of endpoint. */
const endpoints = regions.flatMap((name) =>
  ["false", "true"].flatMap((fips) =>
    ["false", "TRUE"].map((dualStack) =>
      of(
        `[default]\nregion = ${name}\nuse_fips_endpoint = ${fips}\n` +
          `use_dualstack_endpoint = ${dualStack}\n`,
        "[default]\n" + keys("1"),
      )
    )
  )
);

/** Cases that people have had. */
export const handWritten: readonly AwsCase[] = [
  ...endpoints,
  // How settings are written.
  of(region, "[default]\n    aws_access_key_id = AK\n    aws_secret_access_key = SK\n"),
  of(`[default]\n  region = eu-west-1\n  output = json\n`, `[default]\n${keys("1")}`),
  of(`\ufeff${region}`, `[default]\n${keys("1")}`),
  of(region, `\ufeff[default]\n${keys("1")}`),
  of(region.replaceAll("\n", "\r\n"), `[default]\n${keys("1")}`.replaceAll("\n", "\r\n")),
  of(region.replaceAll("\n", "\r"), `[default]\n${keys("1")}`.replaceAll("\n", "\r")),
  of("[default]\nregion = eu-west-1 # mine\n", `[default]\n${keys("1")}`),
  of("[default]\nregion = eu-west-1 ; mine\n", `[default]\n${keys("1")}`),
  of("[default]\nregion = eu-west-1\n  # mine\n\n  ; yours\n", `[default]\n${keys("1")}`),
  of("[default]\nREGION=eu-west-1\n", "[default]\nAWS_ACCESS_KEY_ID=A\nAWS_SECRET_ACCESS_KEY=S\n"),
  of(
    "[default]\nregion: eu-west-1\n",
    "[default]\naws_access_key_id: A\naws_secret_access_key: S\n",
  ),
  of(region, "[default]\naws_access_key_id = A\naws_secret_access_key = a=b==c/+\n"),
  of(region, "[default]\naws_access_key_id = 'A'\naws_secret_access_key = \"S\"\n"),
  of("[default]\nregion =\noutput = json\n", `[default]\n${keys("1")}`),
  of("[default]\nregion =\n  eu-west-1\n", `[default]\n${keys("1")}`),
  of("[default]\nregion = EU-WEST-1\n", `[default]\n${keys("1")}`),
  of("[default]\nregion = fips-us-east-1\n", `[default]\n${keys("1")}`),
  of("[default]\nregion = us-gov-west-1-fips\n", `[default]\n${keys("1")}`),
  of(`${region}[default]\noutput = json\n`, `[default]\n${keys("1")}`),
  of(`${region}region = us-east-1\n`, `[default]\n${keys("1")}`),
  of(region, `[default]\n${keys("1")}[default]\naws_session_token = T\n`),
  of(`${region}garbage\n`, `[default]\n${keys("1")}`),
  of(`region = us-east-1\n${region}`, `[default]\n${keys("1")}`),
  of(`[DEFAULT]\nregion = us-east-1\n[default]\noutput = json\n`, `[default]\n${keys("1")}`),
  of(region, `[default]\naws_access_key_id = A\n`),
  of(region, `[default]\naws_secret_access_key = S\n`),
  of(region, `[default]\naws_access_key_id =\naws_secret_access_key =\n`),
  of(region, `[default]\n${keys("1")}aws_security_token = T\n`),
  of(region, `[default]\n${keys("1")}aws_security_token = T\naws_session_token = U\n`),
  // Sections.
  of(
    "[profile default]\nregion = us-west-1\n[default]\nregion = us-east-2\n",
    `[default]\n${keys("1")}`,
  ),
  of(
    "[default]\nregion = us-west-1\n[profile default]\noutput = json\n",
    `[default]\n${keys("1")}`,
  ),
  of('[profile "my prof"]\nregion = eu-west-1\n', `[my prof]\n${keys("1")}`, {}, "my prof"),
  of("[profile\tfoo]\nregion = eu-west-1\n", `[foo]\n${keys("1")}`, {}, "foo"),
  of("[foo]\nregion = eu-west-1\n", `[foo]\n${keys("1")}`, {}, "foo"),
  of("[ profile foo ]\nregion = eu-west-1\n", `[foo]\n${keys("1")}`, {}, "foo"),
  of("[profile foo] # mine\nregion = eu-west-1\n", `[foo]\n${keys("1")}`, {}, "foo"),
  of(`[profile foo]\nregion = eu-west-1\n${keys("1")}`, "", {}, "foo"),
  of(region, `[profile foo]\n${keys("1")}`, {}, "foo"),
  of(region, `[profile foo]\n${keys("1")}`, {}, "profile foo"),
  // Keys of two files, and of the environment.
  of(`${region}${keys("OLD")}aws_session_token = OLD\n`, `[default]\n${keys("NEW")}`),
  of(`${region}${keys("OLD")}aws_session_token = OLD\n`, "[default]\noutput = json\n"),
  of(`${region}aws_secret_access_key = S\n`, "[default]\naws_access_key_id = A\n"),
  of(region, `[default]\n${keys("1")}`, { AWS_ACCESS_KEY_ID: "AKENV" }),
  of(region, `[default]\n${keys("1")}`, { AWS_SECRET_ACCESS_KEY: "SKENV" }),
  of(region, `[default]\n${keys("1")}`, { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" }),
  of(region, "", {
    AWS_ACCESS_KEY_ID: "A",
    AWS_SECRET_ACCESS_KEY: "S",
    AWS_SECURITY_TOKEN: "T",
    AWS_SESSION_TOKEN: "U",
  }),
  of(region, `[default]\n${keys("1")}`, {
    AWS_ACCESS_KEY_ID: "A",
    AWS_SECRET_ACCESS_KEY: "S",
    AWS_CREDENTIAL_EXPIRATION: "2020-01-01T00:00:00Z",
  }),
  of(`${region}[profile p]\nregion = us-west-1\n`, `[default]\n${keys("1")}[p]\n${keys("2")}`, {
    AWS_ACCESS_KEY_ID: "A",
    AWS_SECRET_ACCESS_KEY: "S",
    AWS_PROFILE: "p",
  }),
  of(`${region}[profile p]\nregion = us-west-1\n`, `[default]\n${keys("1")}[p]\n${keys("2")}`, {
    AWS_ACCESS_KEY_ID: "A",
    AWS_SECRET_ACCESS_KEY: "S",
  }, "p"),
  of("[profile d]\nregion = us-east-1\n", `[d]\n${keys("1")}`, { AWS_DEFAULT_PROFILE: "d" }),
  of(region, `[default]\n${keys("1")}[a]\n${keys("2")}[b]\n${keys("3")}`, {
    AWS_PROFILE: "a",
    AWS_DEFAULT_PROFILE: "b",
  }),
  of(region, `[default]\n${keys("1")}`, { AWS_PROFILE: "" }),
  of("", "", {
    AWS_PROFILE: "default",
    AWS_ACCESS_KEY_ID: "A",
    AWS_SECRET_ACCESS_KEY: "S",
    AWS_REGION: "us-east-1",
  }),
  of("", "", {
    AWS_PROFILE: "gone",
    AWS_ACCESS_KEY_ID: "A",
    AWS_SECRET_ACCESS_KEY: "S",
    AWS_REGION: "us-east-1",
  }),
  of(region, `[default]\n${keys("1")}`, { AWS_DEFAULT_REGION: "" }),
  of(region, `[default]\n${keys("1")}`, {
    AWS_REGION: "us-west-1",
    AWS_DEFAULT_REGION: "us-west-2",
  }),
  // Where the files are.
  {
    files: { "alt/config": region, "alt/keys": `[default]\n${keys("1")}` },
    environment: { AWS_CONFIG_FILE: "~/alt/config", AWS_SHARED_CREDENTIALS_FILE: "$HOME/alt/keys" },
  },
  {
    files: { "alt/config": region, "alt/keys": `[default]\n${keys("1")}` },
    environment: { AWS_CONFIG_FILE: "${HOME}/alt/config", AWS_SHARED_CREDENTIALS_FILE: "~/alt" },
  },
  of(region, `[default]\n${keys("1")}`, { AWS_CONFIG_FILE: "", AWS_REGION: "us-east-1" }),
  of(region, `[default]\n${keys("1")}`, { AWS_SHARED_CREDENTIALS_FILE: "/dev/null" }),
  {
    files: { ".aws/config": region, ".boto": `[Credentials]\n${keys("1")}` },
    environment: { BOTO_CONFIG: "~/.boto" },
  },
  {
    files: { ".aws/config": region, old: "AWSAccessKeyId=A\nAWSSecretKey=S\n" },
    environment: { AWS_CREDENTIAL_FILE: "~/old" },
  },
  // Endpoints.
  of(`${region}s3 =\n  addressing_style = path\n`, `[default]\n${keys("1")}`),
  of(`${region}s3 =\n  addressing_style = virtual\n`, `[default]\n${keys("1")}`),
  of(`${region}s3 =\n  use_dualstack_endpoint = true\n`, `[default]\n${keys("1")}`),
  of(`${region}s3 =\n  use_accelerate_endpoint = true\n`, `[default]\n${keys("1")}`),
  of(
    `${region}endpoint_url = http://s3.local:9000/x/\ns3 =\n  addressing_style = virtual\n`,
    `[default]\n${keys("1")}`,
  ),
  of(`${region}s3 =\n  addressing_style = path\n  garbage\n`, `[default]\n${keys("1")}`),
  of(
    `${region}services = mine\n[services mine]\ns3 =\n  endpoint_url = http://127.0.0.1:9001\n` +
      "lambda =\n  endpoint_url = http://127.0.0.1:9002/\n",
    `[default]\n${keys("1")}`,
  ),
  of(
    `${region}services = mine\nendpoint_url = http://127.0.0.1:9000\n[services mine]\n` +
      "service_quotas =\n  endpoint_url = http://127.0.0.1:9001\nS3 =\n  endpoint_url=http://b:1\n" +
      "sts =\n  Endpoint_URL = http://127.0.0.1:9002\n",
    `[default]\n${keys("1")}`,
  ),
  of(`${region}services = gone\n`, `[default]\n${keys("1")}`),
  of(`${region}services = gone\n`, `[default]\n${keys("1")}`, { AWS_ENDPOINT_URL: "http://a:1" }),
  of(`${region}endpoint_url = http://127.0.0.1:9003\n`, `[default]\n${keys("1")}`),
  of(
    `${region}endpoint_url = http://127.0.0.1:9003\nignore_configured_endpoint_urls = true\n`,
    `[default]\n${keys("1")}`,
  ),
  of(`${region}endpoint_url = http://127.0.0.1:9003\n`, `[default]\n${keys("1")}`, {
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "1",
  }),
  of(`${region}ignore_configured_endpoint_urls = true\n`, `[default]\n${keys("1")}`, {
    AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9003",
  }),
  of(region, `[default]\n${keys("1")}`, { AWS_ENDPOINT_URL: "http://my_host:4566" }),
  of(region, `[default]\n${keys("1")}`, { AWS_ENDPOINT_URL: "http://[::1]:4566/" }),
  of(`${region}use_fips_endpoint = true\n`, `[default]\n${keys("1")}`, {
    AWS_USE_FIPS_ENDPOINT: "false",
  }),
  of(`${region}endpoint_url = http://127.0.0.1:1\n`, `[default]\n${keys("1")}`, {
    AWS_USE_FIPS_ENDPOINT: "true",
  }),
  // Programs.
  of(`${region}credential_process = HOME/keys.sh a 'b c' "d" #e\n`, ""),
  of(`${region}credential_process = "HOME/my dir/keys.sh" --x\n`, ""),
  of(`${region}credential_process = ~/keys.sh a\n`, ""),
  of(`${region}credential_process = HOME/keys.sh 'a\n`, ""),
  of(`${region}${keys("1")}credential_process = HOME/keys.sh\n`, ""),
  of(region, `[default]\n${keys("1")}credential_process = HOME/keys.sh\n`),
  of(region, "[default]\ncredential_process = HOME/keys.sh $HOME ; echo\n"),
  of(`${region}credential_process = sh -c 'exit 3'\n`, ""),
  of(`${region}credential_process = echo nonsense\n`, ""),
  of(
    `${region}credential_process = echo '{"Version":2,"AccessKeyId":"A","SecretAccessKey":"B"}'\n`,
    "",
  ),
  of(`${region}credential_process = echo '{"Version":1,"AccessKeyId":"A"}'\n`, ""),
  of(
    `${region}credential_process = echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"B",` +
      '"SessionToken":"C","Expiration":"2020-01-01T00:00:00Z"}\'\n',
    "",
  ),
  // Roles.
  of(roleOf("source_profile = base\n"), base, {}, "a"),
  of(
    roleOf(
      "source_profile = b\nrole_session_name = me\nduration_seconds = 1800\nexternal_id = xy\n",
    ) +
      `[profile b]\n${role}source_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/me\n`,
    base,
    {},
    "a",
  ),
  of(roleOf("endpoint_url = http://127.0.0.1:15731\nsource_profile = base\n"), base, {}, "a"),
  of(roleOf("source_profile = a\n"), `[a]\n${keys("1")}`, {}, "a"),
  of(roleOf("source_profile = a\n"), "", {}, "a"),
  of(roleOf(`source_profile = b\n[profile b]\n${role}source_profile = a\n`), "", {}, "a"),
  of(roleOf("source_profile = gone\n"), "", {}, "a"),
  of(roleOf("source_profile = default\n[default]\noutput = json\n"), "", {}, "a"),
  of(roleOf(""), "", {}, "a"),
  of(roleOf("source_profile = base\ncredential_source = Environment\n"), base, {}, "a"),
  of(roleOf("source_profile = b\n[profile b]\ncredential_process = HOME/keys.sh x\n"), "", {}, "a"),
  of(
    roleOf(`source_profile = s\n${sso.replace("region = us-east-1\n", "")}${session}`),
    "",
    {},
    "a",
  ),
  of(roleOf("source_profile = base\n"), `${base}[a]\n${keys("1")}`, { AWS_PROFILE: "a" }),
  of(roleOf("source_profile = base\n"), base, {
    AWS_PROFILE: "a",
    AWS_ACCESS_KEY_ID: "A",
    AWS_SECRET_ACCESS_KEY: "S",
  }),
  ...["Environment", "environment", "EcsContainer", "Ec2InstanceMetadata", "Nowhere"].flatMap((
    source,
  ) =>
    [{}, { AWS_ACCESS_KEY_ID: "A", AWS_SECRET_ACCESS_KEY: "S" }, { AWS_ACCESS_KEY_ID: "A" }].map(
      (environment) => of(roleOf(`credential_source = ${source}\n`), "", environment, "a"),
    )
  ),
  of(roleOf("web_identity_token_file = HOME/token\n"), `[a]\n${keys("1")}`, {}, "a"),
  of(roleOf("web_identity_token_file = HOME/token\n"), "", { ...web, AWS_PROFILE: "a" }),
  of(roleOf("web_identity_token_file = HOME/token\n"), "", {
    AWS_WEB_IDENTITY_TOKEN_FILE: "",
    AWS_PROFILE: "a",
  }),
  of(roleOf("source_profile = base\n"), base, { ...web, AWS_PROFILE: "a" }),
  of("[default]\nregion = us-east-1\nweb_identity_token_file = HOME/token\n", ""),
  of(region, "", { ...web, AWS_ROLE_SESSION_NAME: "me" }),
  of(region, `[default]\n${keys("1")}`, web),
  of("[profile p]\nregion = us-east-1\n", `[p]\n${keys("1")}`, { ...web, AWS_PROFILE: "p" }),
  of("[profile p]\nregion = us-east-1\n", `[p]\n${keys("1")}`, web, "p"),
  of(region, `[default]\n${keys("1")}`, { ...web, AWS_WEB_IDENTITY_TOKEN_FILE: "HOME/gone" }),
  of(region, `[default]\n${keys("1")}`, { AWS_WEB_IDENTITY_TOKEN_FILE: "HOME/token" }),
  // Sign-ins.
  of(sso + session, "", {}, "s"),
  of(sso + session, `[s]\n${keys("1")}`, {}, "s"),
  of(sso, "", {}, "s"),
  of(sso + "sso_region = us-west-2\n" + session, "", {}, "s"),
  of(sso.replace("sso_session = x\n", ""), "", {}, "s"),
  of("[profile s]\nregion = us-east-1\nsso_session = x\n" + session, `[s]\n${keys("1")}`, {}, "s"),
  // Containers and instances.
  of(region, "", { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/x" }),
  of(region, "", { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:1/x" }),
  of(region, `[default]\n${keys("1")}`, { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/x" }),
  of(region, ""),
  of(region, "", { AWS_EC2_METADATA_DISABLED: "True" }),
  of(region, "", { AWS_EC2_METADATA_DISABLED: "1" }),
];

/** Makes cases at random, the same for the same seed. */
export class Generator {
  #state: number;

  /** @param seed Where the random numbers begin. */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** The next case. */
  next(): AwsCase {
    // Most files are without what makes the AWS CLI refuse the whole file.
    const isRough = this.#chance(0.2);
    const names = ["default", "work", "base", "my work"];
    const asked = this.#pick<string | undefined>([
      undefined,
      undefined,
      undefined,
      ...names,
      "gone",
    ]);
    const way = this.#pick(["flag", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
    const environment = this.#environment();
    if (asked !== undefined && way !== "flag") environment[way] = asked;
    return {
      files: {
        ".aws/config": this.#file(names, true, isRough),
        ".aws/credentials": this.#file(names, false, isRough),
        ...others,
      },
      environment,
      profile: way === "flag" ? asked : undefined,
    };
  }

  /** The text of a file that may be anything. */
  text(): string {
    const lines = [
      ...["[a]", "[b]", "[DEFAULT]", "[ a ]", "[a]b]", "[]", "[c", "[a] # x", "[\u2028]"],
      ...["k = v", "l = v", "K=w", "m: a = b", "n=", "o =", "= v", "p", "q = # r", "r = v ; w"],
      ...[
        "s \t=\t v \t",
        "t==",
        "u = [a]",
        "v:=w",
        "'w' = \"x\"",
        "x\u00a0=\u00a0y",
        "y = \ufeffz",
      ],
      ...["# k = v", "; k = v", "", "", "i = j = k", "z = \u2003", "\u0130 = 1"],
    ];
    const indents = ["", "", "", "", "  ", "    ", "\t", "\u00a0", "\x0c", "\u2003"];
    const ends = [
      "\n",
      "\n",
      "\n",
      "\n",
      "\n",
      "\r\n",
      "\r",
      "\x0b\n",
      "\x1c\n",
      "\x85\n",
      "\u2028\n",
      "\x0c",
    ];
    const count = Math.floor(this.#random() * 8);
    const middle = Array.from(
      { length: count },
      () => this.#pick(indents) + this.#pick(lines) + this.#pick(ends),
    );
    return this.#pick(["[a]\n", "[a]\n", "[a]\n", "", "\n", "\ufeff[a]\n"]) + middle.join("");
  }

  /** A command that may be anything. */
  command(): string {
    const parts = ["a", "b c", "'", '"', "\\", " ", "\t", "\n", "#", "$", "\u00a0", "''", "é"];
    const count = Math.floor(this.#random() * 10);
    return Array.from({ length: count }, () => this.#pick(parts)).join("");
  }

  #environment(): Record<string, string> {
    const all: Record<string, readonly string[]> = {
      AWS_ACCESS_KEY_ID: ["AKENV", "AKENV", ""],
      AWS_SECRET_ACCESS_KEY: ["SKENV", "SKENV", "SKENV", ""],
      AWS_SESSION_TOKEN: ["TENV", ""],
      AWS_SECURITY_TOKEN: ["OLDTENV"],
      AWS_CREDENTIAL_EXPIRATION: ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"],
      // One that is empty counts as not set: only the AWS CLI has it, and stumbles.
      AWS_REGION: regions,
      AWS_DEFAULT_REGION: [...regions, ""],
      AWS_WEB_IDENTITY_TOKEN_FILE: ["HOME/token", "HOME/token", "HOME/gone", ""],
      AWS_ROLE_ARN: ["arn:aws:iam::1:role/env", "arn:aws:iam::1:role/env", "role", ""],
      AWS_ROLE_SESSION_NAME: ["envsession"],
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: ["/role"],
      AWS_CONTAINER_CREDENTIALS_FULL_URI: ["http://127.0.0.1:1/role"],
      AWS_EC2_METADATA_DISABLED: ["true", "false", "1"],
      AWS_ENDPOINT_URL: ["http://127.0.0.1:1", "https://aws.example.com/base/", ""],
      AWS_ENDPOINT_URL_S3: ["http://s3.local:2", ""],
      AWS_ENDPOINT_URL_STS: ["http://127.0.0.1:3/"],
      AWS_ENDPOINT_URL_SERVICE_QUOTAS: ["http://127.0.0.1:4"],
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: ["true", "True", "1", "false"],
      AWS_USE_FIPS_ENDPOINT: ["true", "TRUE", "1", "false"],
      AWS_USE_DUALSTACK_ENDPOINT: ["true", "1", "false"],
    };
    return Object.fromEntries(
      Object.entries(all).filter(() => this.#chance(0.08))
        .map(([name, values]) => [name, this.#pick(values)]),
    );
  }

  #file(names: readonly string[], isConfig: boolean, isRough: boolean): string {
    const sections: string[] = [];
    for (const name of names.filter(() => this.#chance(0.8))) {
      sections.push(this.#header(name, isConfig, isRough) + this.#settings(isConfig, isRough));
    }
    if (isConfig) {
      if (this.#chance(0.6)) {
        const endpoint = `endpoint_url = http://${this.#pick(["a", "b.local", "127.0.0.1"])}:9`;
        const services = [
          "lambda",
          "s3",
          "sts",
          "iam",
          "ecr",
          "service_quotas",
          "cloudwatch_logs",
          "cloudformation",
        ]
          .filter(() => this.#chance(0.3)).map((each) => `${each} =\n  ${endpoint}\n`);
        sections.push(`[services local]\n${services.join("")}`);
      }
      if (this.#chance(0.6)) {
        sections.push(
          `[sso-session corp]\nsso_region = us-west-2\nsso_start_url = https://c.awsapps.com/start\n`,
        );
      }
    }
    if (this.#chance(0.05)) sections.push(`[DEFAULT]\nregion = ${this.#pick(regions)}\n`);
    if (this.#chance(0.1)) sections.push("[preview]\ncloudfront = true\n");
    if (isRough && this.#chance(0.2)) sections.push(this.#pick(["[default]\n", ...sections]));
    let text = this.#shuffled(sections).join(this.#pick(["", "\n", "\n\n"]));
    if (this.#chance(0.1)) text = `# ${this.#pick(["mine", "[default]", "a = b"])}\n${text}`;
    if (isRough && this.#chance(0.1)) {
      text += this.#pick(["garbage\n", "= x\n", "\u00a0x\n", "[open\n"]);
    }
    if (this.#chance(0.15)) text = text.replaceAll("\n", this.#pick(["\r\n", "\r\n", "\r"]));
    if (this.#chance(0.1)) text = text.trimEnd();
    return isRough && this.#chance(0.1) ? `\ufeff${text}` : text;
  }

  #header(name: string, isConfig: boolean, isRough: boolean): string {
    const quoted = name.includes(" ") || this.#chance(0.1)
      ? this.#pick([`"${name}"`, `'${name}'`])
      : name;
    const plain = !isConfig
      ? name
      : name === "default"
      ? this.#pick(["default", "default", "profile default"])
      : `profile ${quoted}`;
    if (!isRough || this.#chance(0.6)) {
      return `[${plain}]${this.#pick(["", "", "", " ", " # mine"])}\n`;
    }
    return this.#pick([
      `[${name}]`,
      `[profile ${name}]`,
      `[ ${plain} ]`,
      `[profile  ${quoted}]`,
      `[profile\t${quoted}]`,
      `[profile ${name} more]`,
      `[Profile ${quoted}]`,
      `[profile "${name}]`,
      `[profile ${name.replace(" ", "\\ ")}]`,
      `  [${plain}]`,
      `[${plain}]]`,
    ]) + "\n";
  }

  #settings(isConfig: boolean, isRough: boolean): string {
    const number = this.#pick(["1", "2", "3"]);
    const pairs: [string, string][] = [];
    const add = (chance: number, name: string, ...values: string[]) => {
      if (this.#chance(chance)) pairs.push([name, this.#pick(values)]);
    };
    const where = isConfig ? "C" : "F";
    if (this.#chance(isConfig ? 0.2 : 0.7)) {
      add(0.95, "aws_access_key_id", `AK${where}${number}`);
      add(0.95, "aws_secret_access_key", `SK${where}${number}/a=b+c`, `SK${where}${number}`);
    }
    add(0.2, "aws_session_token", `T${where}${number}==`, "");
    add(0.05, "aws_security_token", `OLDT${where}${number}`);
    add(
      isConfig ? 0.8 : 0.1,
      "region",
      ...regions,
      ...regions,
      "EU-WEST-1",
      "",
      "eu west",
      "fips-us-east-1",
      "us-west-2 # mine",
      '"us-west-2"',
    );
    add(
      0.15,
      "role_arn",
      "arn:aws:iam::1:role/ab",
      "arn:aws-cn:iam::1:role/b",
      "arn:aws:iam::1:role/",
    );
    add(0.2, "source_profile", "default", "work", "base", "my work", "gone");
    add(0.04, "credential_source", "Environment", "EcsContainer", "Ec2InstanceMetadata", "Other");
    add(0.1, "role_session_name", "me", "me", "m");
    add(0.1, "external_id", "xy", "a b", "x");
    add(0.1, "duration_seconds", "900", "899", "soon", "1h");
    add(0.1, "mfa_serial", "arn:aws:iam::1:mfa/me");
    add(0.04, "web_identity_token_file", "HOME/token", "HOME/gone");
    add(
      0.06,
      "credential_process",
      'HOME/keys.sh a \'b  c\' "d\\"e" f\\ g',
      "HOME/keys.sh",
      "~/keys.sh",
      "HOME/gone",
    );
    if (this.#chance(0.08)) {
      add(0.5, "sso_session", "corp", "corp", "gone");
      add(0.9, "sso_account_id", "123456789012");
      add(0.9, "sso_role_name", "Role");
      add(0.5, "sso_region", "us-west-2", "eu-west-1");
      add(0.5, "sso_start_url", "https://c.awsapps.com/start");
    }
    if (isConfig || this.#chance(0.1)) {
      add(0.2, "services", "local", "local", "gone");
      add(
        0.15,
        "endpoint_url",
        "http://127.0.0.1:5",
        "https://all.example.com/",
        "http://under_score:1",
        "ftp://x",
        "nothing",
      );
      add(0.1, "ignore_configured_endpoint_urls", "true", "TRUE", "1", "false");
      add(0.15, "use_fips_endpoint", "true", "True", "yes", "false");
      add(0.15, "use_dualstack_endpoint", "true", "yes", "false");
      add(
        0.2,
        "s3",
        ...[
          "addressing_style = path",
          "addressing_style=virtual",
          "use_dualstack_endpoint = true",
          "addressing_style = auto\n  max_concurrent_requests = 5",
        ].map((each) => `\n  ${each}`),
      );
    }
    add(0.2, "output", "json");
    if (isRough) add(0.1, "output", "text");
    const indent = this.#pick(["", "", "", "  ", "\t"]);
    return this.#shuffled(pairs).map(([name, value]) => {
      const own = isRough && this.#chance(0.05) ? `${indent}  ` : indent;
      const written = this.#chance(0.1) ? name.toUpperCase() : name;
      const equals = value.startsWith("\n")
        ? this.#pick([" =", "="])
        : this.#pick([" = ", " = ", "=", ": ", "\t=\t"]);
      const end = this.#pick(["", "", "", "", " ", "\t", "\n", `\n${own}# mine`, "\n; mine"]);
      return `${own}${written}${equals}${value.replaceAll("\n", `\n${own}`)}${end}\n`;
    }).join("");
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(values: readonly T[]): T {
    const wanted = Math.floor(this.#random() * values.length);
    for (const [index, value] of values.entries()) if (index === wanted) return value;
    throw new RangeError("nothing to pick from");
  }

  #shuffled<T>(values: readonly T[]): T[] {
    return values.map((value) => [this.#random(), value] as const)
      .sort(([a], [b]) => a - b).map(([, value]) => value);
  }

  /** A linear congruential generator; its upper bits are the better ones. */
  #random(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return (this.#state >>> 8) / 2 ** 24;
  }
}

"""Answers what botocore, the library below the AWS CLI, makes of files and environments.

Reads a JSON line per case, and writes a JSON line each:

- {"environment": {...}, "profile": NAME or null}: region, addresses and identity
- {"ini": TEXT}: the sections of a file
- {"words": TEXT}: the words of a command

Calls are answered here, with keys that tell what was asked. Nothing is sent.
"""

import datetime
import json
import os
import shlex
import sys
import tempfile

import botocore.client
import botocore.configloader
import botocore.credentials as credentials
import botocore.loaders
import botocore.model
import botocore.session
import botocore.utils
import botocore.validate
from botocore.config import Config

SERVICES = {
    "lambda": "ListFunctions",
    "s3": "GetObject",
    "sts": "GetCallerIdentity",
    "iam": "ListRoles",
    "cloudformation": "ListStacks",
    "ecr": "DescribeRepositories",
    "logs": "DescribeLogGroups",
    "servicequotas": "ListServices",
}
# Where botocore's name is another one.
CLIENTS = {"servicequotas": "service-quotas"}
BUCKETS = ["bucket", "dotted.bucket"]
# The AWS CLI differs from botocore: it reads AWS_REGION, and prefers AWS_PROFILE.
CLI_VARIABLES = {
    "region": ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None),
    "profile": (None, ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"], None, None),
}


def later():
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)


def told(kind, **what):
    """Keys that tell what they were given for."""
    key = json.dumps([kind, what], sort_keys=True, separators=(",", ":"))
    return {
        "AccessKeyId": key,
        "SecretAccessKey": "secret",
        "SessionToken": "token",
        "Expiration": later(),
    }


class Sts:
    """STS, as it is called for a role."""

    def __init__(self, session, keys):
        self.keys = keys
        # Where there is no such address, the call fails.
        [self.url] = location(session, "sts")["urls"]

    def assume_role(self, **asked):
        return self.answer("AssumeRole", asked, by=self.keys)

    def assume_role_with_web_identity(self, **asked):
        return self.answer("AssumeRoleWithWebIdentity", asked)

    def answer(self, action, asked, **more):
        report = validator.validate(asked, sts_model.operation_model(action).input_shape)
        if report.has_errors():
            raise ValueError(report.generate_report())
        # The name that is made up where none is set.
        if asked.get("RoleSessionName", "").startswith("botocore-session-"):
            del asked["RoleSessionName"]
        return {
            "Credentials": told(action, url=self.url, **asked, **more),
            "AssumedRoleUser": {"Arn": "arn:aws:sts::1:x"},
        }


def nested_client(session, _service, **options):
    return Sts(session, options.get("aws_access_key_id"))


class Sso:
    """The portal of a sign-in."""

    class exceptions:
        class UnauthorizedException(Exception):
            pass

    def __init__(self, region):
        self.region = region

    def get_role_credentials(self, **asked):
        del asked["accessToken"]
        given = told("sso", region=self.region, **asked)
        return {
            "roleCredentials": {
                "accessKeyId": given["AccessKeyId"],
                "secretAccessKey": "secret",
                "sessionToken": "token",
                "expiration": later().timestamp() * 1000,
            }
        }


class Token:
    def get_frozen_token(self):
        return self

    token = "token"


real_create_client = botocore.session.Session.create_client


def create_client(self, service, *args, **options):
    if service == "sso":
        return Sso(options["config"].region_name)
    return real_create_client(self, service, *args, **options)


def metadata(self, url, headers=None):
    self._validate_allowed_url(url)
    given = told("container", url=url)
    return {**given, "Token": "token", "Expiration": given["Expiration"].isoformat()}


def instance(self):
    if self._disabled:
        return {}
    return {
        "role_name": "role",
        "access_key": told("instance")["AccessKeyId"],
        "secret_key": "secret",
        "token": "token",
        "expiry_time": later().isoformat(),
    }


real_fetcher = credentials.AssumeRoleCredentialFetcher.__init__


def fetcher(self, *args, **options):
    options["mfa_prompter"] = lambda _: "123456"
    real_fetcher(self, *args, **options)


botocore.session.Session.create_client = create_client
# Nothing is called.
botocore.client.ClientCreator._create_methods = lambda *_: {}
credentials.AssumeRoleCredentialFetcher.__init__ = fetcher
credentials.create_nested_client = nested_client
credentials.SSOTokenLoader.__call__ = lambda *_, **__: {
    "accessToken": "token",
    "expiresAt": later().isoformat(),
}
credentials.SSOTokenProvider.load_token = lambda *_, **__: Token()
botocore.utils.ContainerMetadataFetcher.retrieve_full_uri = metadata
botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials = instance
loader = botocore.loaders.create_loader()
validator = botocore.validate.ParamValidator()
sts_model = botocore.model.ServiceModel(loader.load_service_model("sts", "service-2"))


def attempt(work):
    try:
        return work()
    except Exception as error:  # botocore refuses by errors of any type.
        return {"refused": f"{type(error).__name__}: {error}"}


def open_session(profile, hooks=None):
    session = botocore.session.Session(
        profile=profile,
        session_vars=CLI_VARIABLES,
        event_hooks=hooks,
        include_builtin_handlers=False,
    )
    session.register_component("data_loader", loader)
    return session


def location(session, service):
    if not session.get_config_variable("region"):
        raise ValueError("no region")
    # The AWS CLI, unlike botocore, has no global endpoint for S3.
    config = Config(s3={"us_east_1_regional_endpoint": "regional"})
    client = session.create_client(
        CLIENTS.get(service, service),
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=config,
    )
    model = client.meta.service_model.operation_model(SERVICES[service])
    asked = [{"Bucket": name, "Key": "k"} for name in BUCKETS] if service == "s3" else [{}]
    urls = [client._ruleset_resolver.construct_endpoint(model, each, {}).url for each in asked]
    if not all(url.startswith("http") for url in urls):
        raise ValueError("neither http nor https")
    # IAM's is the partition's.
    region = None if service == "iam" else client.meta.region_name
    return {"region": region, "urls": [url.rstrip("/") for url in urls]}


def identity(session):
    session.get_scoped_config()
    found = session.get_credentials()
    if found is None:
        raise ValueError("no credentials")
    keys = found.get_frozen_credentials()
    if not keys.access_key or not keys.secret_key:
        raise ValueError("empty keys, which AWS refuses")
    return {"key": keys.access_key, "secret": keys.secret_key, "token": keys.token or None}


def sections(text):
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        return {"sections": botocore.configloader.raw_config_parse(file.name)}


def answer_text(case):
    if "ini" in case:
        return attempt(lambda: sections(case["ini"]))
    return attempt(lambda: {"words": shlex.split(case["words"])})


hooks = botocore.session.Session()._original_handler
for line in sys.stdin:
    case = json.loads(line)
    if "environment" not in case:
        print(json.dumps(answer_text(case)), flush=True)
        continue
    os.environ.clear()
    os.environ.update(case["environment"])
    session = attempt(lambda: open_session(case["profile"]))
    # The handlers take most of the time, and only S3's choose an address.
    sessions = {"s3": attempt(lambda: open_session(case["profile"], hooks))}
    answer = {
        service: attempt(lambda: location(sessions.get(service, session), service))
        for service in SERVICES
    }
    # A session that has failed to read a file once goes on without it.
    answer["identity"] = attempt(lambda: identity(open_session(case["profile"])))
    print(json.dumps(answer), flush=True)

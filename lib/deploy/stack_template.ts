/**
 * The CloudFormation template.
 *
 * @module
 */

import { defaultLifetimeDays } from "../store/open.ts";
import {
  grantOutputs,
  type Grants,
  grantsOf,
  type GrantStatement,
  grantStatements,
  noGrants,
} from "./grants.ts";
import { codePrefix, resultsPrefix } from "../store/prefixes.ts";

/** The default name of the stack. */
export const defaultStackName = "llama";

/** The tag that marks llama's stacks and functions; its value is the stack's name. */
export const llamaTag = "llama";

/** The bucket's name in the template. */
export const bucketResourceName = "Bucket";

/** The store's prefix in the bucket, with which all of llama's keys begin. */
export const objectPrefix = "obj/";

/**
 * Returns the URL of the store that `llama bootstrap` sets up in a bucket.
 *
 * @param bucket The bucket's name.
 * @returns The store's URL.
 */
export function storeUrl(bucket: string): string {
  return `s3://${bucket}/${objectPrefix}`;
}

/** The number of days after which S3 deletes an object in the store. */
export const objectDays = defaultLifetimeDays;

/**
 * The bucket of the stack's store: CloudFormation creates and names it, creates it under a name that
 * the user chose, or leaves the user's own as it is.
 */
export type BucketChoice =
  | { readonly kind: "generated" }
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "own"; readonly name: string };

/** The stack's outputs. */
export interface StackOutputs {
  /** The bucket's name. */
  readonly bucket: string;
  /** The bucket's kind. */
  readonly bucketKind: BucketChoice["kind"];
  /** The role's ARN. */
  readonly role: string;
  /** The repository's URI. */
  readonly repository: string;
  /** The user's objects that functions may read and write. */
  readonly grants: Grants;
}

/** A JSON value in a template. */
type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

const sub = (text: string): Json => ({ "Fn::Sub": text });
const get = (resource: string, attribute: string): Json => ({
  "Fn::GetAtt": [resource, attribute],
});

/**
 * Returns the template.
 *
 * @param stack The stack's name, which is also the repository's.
 * @param bucket The bucket.
 * @param grants The user's objects that functions may read and write. @default {none}
 * @returns JSON; the same arguments give the same text.
 */
export function stackTemplate(
  stack: string,
  bucket: BucketChoice,
  grants: Grants = noGrants,
): string {
  const name: Json = bucket.kind === "own" ? bucket.name : { Ref: bucketResourceName };
  const template: Json = {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "What llama needs to run commands in Lambda",
    Resources: {
      // The user's own bucket keeps its policy, lifecycle and encryption.
      ...(bucket.kind === "own" ? {} : {
        [bucketResourceName]: bucketResource(bucket),
        BucketPolicy: bucketPolicyResource(),
      }),
      Role: roleResource(name, grants),
      Repository: repositoryResource(stack.toLowerCase()),
    },
    Outputs: {
      Bucket: { Value: name },
      BucketKind: { Value: bucket.kind },
      Role: { Value: get("Role", "Arn") },
      Repository: { Value: get("Repository", "RepositoryUri") },
      ...grantOutputs(grants),
    },
  };
  return JSON.stringify(template, undefined, 2);
}

/**
 * Checks a stack's outputs.
 *
 * @param outputs A stack's outputs.
 * @returns The outputs; undefined if any is missing.
 */
export function outputsOf(outputs: Readonly<Record<string, string>>): StackOutputs | undefined {
  const { Bucket: bucket, BucketKind: kind, Role: role, Repository: repository } = outputs;
  const bucketKind = (["generated", "named", "own"] as const).find((each) => each === kind);
  if (!bucket || !bucketKind || !role || !repository) return undefined;
  return { bucket, bucketKind, role, repository, grants: grantsOf(outputs) };
}

/** CloudFormation only deletes an empty bucket, so no objects are lost with the stack. */
function bucketResource(bucket: BucketChoice): Json {
  return {
    Type: "AWS::S3::Bucket",
    Properties: {
      ...(bucket.kind === "named" ? { BucketName: bucket.name } : {}),
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } },
        ],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      LifecycleConfiguration: {
        Rules: [
          {
            Id: "ExpireObjects",
            Status: "Enabled",
            Prefix: objectPrefix,
            ExpirationInDays: objectDays,
          },
          {
            Id: "AbortIncompleteUploads",
            Status: "Enabled",
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          },
        ],
      },
    },
  };
}

/** Denies requests without TLS. */
function bucketPolicyResource(): Json {
  return {
    Type: "AWS::S3::BucketPolicy",
    Properties: {
      Bucket: { Ref: bucketResourceName },
      PolicyDocument: {
        Version: "2012-10-17",
        Statement: [{
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: ["", "/*"].map((keys) => bucketArn({ Ref: bucketResourceName }, keys)),
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        }],
      },
    },
  };
}

/**
 * Returns the ARN of a bucket or of objects in it.
 *
 * @param bucket The bucket's name.
 * @param keys Empty for the bucket itself, or a slash and a pattern of keys.
 */
function bucketArn(bucket: Json, keys: string): Json {
  return { "Fn::Sub": [`arn:\${AWS::Partition}:s3:::\${Name}${keys}`, { Name: bucket }] };
}

/** The name of the role's policy about the store. */
export const storePolicyName = "object-store";

/** The name of the role's policy for the user's objects. */
export const grantsPolicyName = "granted-objects";

/** The actions on the store's objects that the role may perform. */
const objectActions = [
  "s3:GetObject",
  "s3:PutObject",
  "s3:AbortMultipartUpload",
  "s3:ListMultipartUploadParts",
];

function roleResource(bucket: Json, grants: Grants): Json {
  const granted = grantStatements(grants);
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      Description: "What llama's functions may do: write logs, and use the object store",
      AssumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: [{
          Effect: "Allow",
          Principal: { Service: "lambda.amazonaws.com" },
          Action: "sts:AssumeRole",
        }],
      },
      Policies: [
        policy("logs", [{
          Effect: "Allow",
          Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
          Resource: sub(
            "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/*",
          ),
        }]),
        policy(storePolicyName, [
          {
            Effect: "Allow",
            // Without it, S3 responds with 403 instead of 404 for a missing object.
            Action: ["s3:ListBucket"],
            Resource: bucketArn(bucket, ""),
            Condition: { StringLike: { "s3:prefix": `${objectPrefix}*` } },
          },
          {
            Effect: "Allow",
            Action: objectActions,
            Resource: bucketArn(bucket, `/${objectPrefix}*`),
          },
          {
            // Otherwise a job could forge the code or the results of later jobs.
            Effect: "Deny",
            Action: [...objectActions, "s3:Delete*"],
            Resource: [codePrefix, resultsPrefix].map((prefix) =>
              bucketArn(bucket, `/${objectPrefix}${prefix}*`)
            ),
          },
        ]),
        ...(granted.length === 0 ? [] : [policy(grantsPolicyName, granted.map(grantStatement))]),
      ],
    },
  };
}

function grantStatement({ actions, bucket, keys, prefix }: GrantStatement): Json {
  return {
    Effect: "Allow",
    Action: actions,
    Resource: bucketArn(bucket, keys),
    ...(prefix === undefined ? {} : { Condition: { StringLike: { "s3:prefix": prefix } } }),
  };
}

function policy(name: string, statements: readonly Json[]): Json {
  return {
    PolicyName: name,
    PolicyDocument: { Version: "2012-10-17", Statement: statements },
  };
}

function repositoryResource(name: string): Json {
  return {
    Type: "AWS::ECR::Repository",
    Properties: {
      RepositoryName: name,
      EmptyOnDelete: true,
      // Moving a tag to a new image leaves the old one untagged, and it still costs money.
      LifecyclePolicy: {
        LifecyclePolicyText: JSON.stringify({
          rules: [{
            rulePriority: 1,
            description: "Images that no tag names any more",
            selection: {
              tagStatus: "untagged",
              countType: "sinceImagePushed",
              countUnit: "days",
              countNumber: objectDays,
            },
            action: { type: "expire" },
          }],
        }),
      },
      // https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#gettingstarted-images-permissions
      RepositoryPolicyText: {
        Version: "2012-10-17",
        Statement: [{
          Sid: "LambdaECRImageRetrievalPolicy",
          Effect: "Allow",
          Principal: { Service: "lambda.amazonaws.com" },
          Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
          Condition: {
            StringLike: {
              "aws:sourceArn": sub(
                "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*",
              ),
            },
          },
        }],
      },
    },
  };
}

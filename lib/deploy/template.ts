/**
 * The CloudFormation template of all that llama needs in AWS, as data.
 *
 * @module
 */

import { defaultLifetimeDays } from "../store/open.ts";
import { codePrefix, resultsPrefix } from "../store/prefixes.ts";

/** The stack's name, where nothing else is said. */
export const defaultStackName = "llama";

/** The tag that tells llama's stacks and functions from others; its value is the stack's name. */
export const llamaTag = "llama";

/** What the template calls the bucket. */
export const bucketResourceName = "Bucket";

/** The store's prefix in the bucket: all of llama's keys begin with it. */
export const objectPrefix = "obj/";

/**
 * The store that `llama bootstrap` sets up in a bucket.
 *
 * @param bucket The bucket's name.
 * @returns The store's URL.
 */
export function storeUrl(bucket: string): string {
  return `s3://${bucket}/${objectPrefix}`;
}

/** Days after which S3 deletes an object of the store. */
export const objectDays = defaultLifetimeDays;

/**
 * Which bucket the stack's store is in: one that CloudFormation makes and names, one that it makes
 * under a name of the user's, or the user's own, which is left as it is.
 */
export type BucketChoice =
  | { readonly kind: "generated" }
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "own"; readonly name: string };

/** What the stack gives. */
export interface StackOutputs {
  /** The bucket's name. */
  readonly bucket: string;
  /** Whose it is. */
  readonly bucketKind: BucketChoice["kind"];
  /** The role's ARN. */
  readonly role: string;
  /** The repository's URI. */
  readonly repository: string;
}

/** A part of a template: JSON. */
type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

const sub = (text: string): Json => ({ "Fn::Sub": text });
const get = (resource: string, attribute: string): Json => ({
  "Fn::GetAtt": [resource, attribute],
});

/**
 * The template.
 *
 * @param stack The stack's name, after which the repository is called.
 * @param bucket Which bucket.
 * @returns JSON, the same for the same stack and bucket.
 */
export function stackTemplate(stack: string, bucket: BucketChoice): string {
  const name: Json = bucket.kind === "own" ? bucket.name : { Ref: bucketResourceName };
  const template: Json = {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "What llama needs to run commands in Lambda",
    Resources: {
      // A bucket of the user's own keeps its policy, its lifecycle and its encryption.
      ...(bucket.kind === "own" ? {} : {
        [bucketResourceName]: bucketResource(bucket),
        BucketPolicy: bucketPolicyResource(),
      }),
      Role: roleResource(name),
      Repository: repositoryResource(stack.toLowerCase()),
    },
    Outputs: {
      Bucket: { Value: name },
      BucketKind: { Value: bucket.kind },
      Role: { Value: get("Role", "Arn") },
      Repository: { Value: get("Repository", "RepositoryUri") },
    },
  };
  return JSON.stringify(template, undefined, 2);
}

/**
 * What a stack gives, if it is one of ours and whole.
 *
 * @param outputs A stack's outputs.
 * @returns The same, checked; undefined if any is missing.
 */
export function outputsOf(outputs: Readonly<Record<string, string>>): StackOutputs | undefined {
  const { Bucket: bucket, BucketKind: kind, Role: role, Repository: repository } = outputs;
  const bucketKind = (["generated", "named", "own"] as const).find((each) => each === kind);
  if (!bucket || !bucketKind || !role || !repository) return undefined;
  return { bucket, bucketKind, role, repository };
}

/** CloudFormation deletes it only while it is empty, so that nobody's objects go with the stack. */
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

/** Refuses whatever does not come by TLS. */
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
 * @param bucket The bucket's name.
 * @param keys Empty for the bucket itself, or a slash and a pattern of its keys.
 */
function bucketArn(bucket: Json, keys: string): Json {
  return { "Fn::Sub": [`arn:\${AWS::Partition}:s3:::\${Name}${keys}`, { Name: bucket }] };
}

/** What the role may do with the objects of the store. */
const objectActions = [
  "s3:GetObject",
  "s3:PutObject",
  "s3:AbortMultipartUpload",
  "s3:ListMultipartUploadParts",
];

function roleResource(bucket: Json): Json {
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
        policy("object-store", [
          {
            Effect: "Allow",
            // Without it, S3 answers 403 instead of 404 for an object that is not there.
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
            // Otherwise a job could plant the code or the results of everyone's later jobs.
            Effect: "Deny",
            Action: [...objectActions, "s3:Delete*"],
            Resource: [codePrefix, resultsPrefix].map((prefix) =>
              bucketArn(bucket, `/${objectPrefix}${prefix}*`)
            ),
          },
        ]),
      ],
    },
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
      // A tag that moves to a new image leaves the old one without a name, and costing.
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

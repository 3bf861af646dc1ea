/**
 * Opens S3 with the credentials of the function's role. Loaded only for jobs that read or write there.
 *
 * @module
 */

import { dirname } from "node:path/posix";
import { findAccount } from "../aws/account.ts";
import { AwsClient } from "../aws/client.ts";
import type { Environment } from "../environment.ts";
import { localBucketVariable } from "../limits.ts";
import type { S3Files } from "../store/s3_files.ts";
import { openS3Files } from "../store/s3_open.ts";

/**
 * Opens S3.
 *
 * @param environment The runtime's variables.
 */
export function openS3(environment: Environment): S3Files {
  const isLocal = environment["LLAMA_LOCAL"] === "1";
  // Under the emulator there are keys only if the store is in S3.
  const hasKeys = !isLocal || environment["LLAMA_OBJECT_STORE"]?.startsWith("s3:");
  return openS3Files({
    client: hasKeys ? new AwsClient(findAccount(environment)) : undefined,
    localBucket: isLocal ? environment[localBucketVariable] : undefined,
    onDenied: (action, url) => {
      const flag = action === "s3:PutObject" ? "-write" : "-read";
      return `the function's role needs ${action}: llama bootstrap ${flag} ${dirname(url)}/`;
    },
  });
}

/**
 * The account that S3 checks a bucket's owner against.
 *
 * @module
 */

/**
 * The header that makes S3 refuse a call on a bucket of another account.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
 *
 * @param owner The account's number; undefined for any.
 * @returns The headers to add.
 */
export function ownerHeaders(owner: string | undefined): Record<string, string> {
  return owner === undefined ? {} : { "x-amz-expected-bucket-owner": owner };
}

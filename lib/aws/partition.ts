/**
 * AWS's partitions.
 *
 * @module
 */

/** A partition of AWS: a group of regions with their own accounts, domains and ARN prefix. */
export interface Partition {
  /** The name in its ARNs. */
  readonly name: string;
  /** Matches the names of its regions. */
  readonly regions: RegExp;
  /** The suffix of its host names. */
  readonly domain: string;
  /** The suffix of its dual-stack host names. */
  readonly dualStackDomain: string;
  /** The region that IAM requests are signed for; IAM is global to a partition. */
  readonly iamRegion: string;
  /** IAM's host name without the domain: plain, dual-stack, FIPS, both. */
  readonly iam: readonly [string, string, string, string];
  /** The endpoints that it lacks, where the AWS CLI refuses the setting. */
  readonly lacks?: "S3 FIPS" | "dual-stack";
}

const commercial: Partition = {
  name: "aws",
  regions: /^(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$/,
  domain: "amazonaws.com",
  dualStackDomain: "api.aws",
  iamRegion: "us-east-1",
  iam: ["iam", "iam.global", "iam-fips", "iam-fips.global"],
};

/**
 * From botocore 1.44: partitions.json, endpoints.json and each service's endpoint rules.
 * https://github.com/boto/botocore/tree/develop/botocore/data
 */
const partitions: readonly Partition[] = [
  commercial,
  {
    name: "aws-cn",
    regions: /^cn-\w+-\d+$/,
    domain: "amazonaws.com.cn",
    dualStackDomain: "api.amazonwebservices.com.cn",
    iamRegion: "cn-north-1",
    iam: ["iam.cn-north-1", "iam.global", "iam-fips", "iam-fips"],
    lacks: "S3 FIPS",
  },
  {
    name: "aws-us-gov",
    regions: /^us-gov-\w+-\d+$/,
    domain: "amazonaws.com",
    dualStackDomain: "api.aws",
    iamRegion: "us-gov-west-1",
    iam: ["iam.us-gov", "iam.us-gov", "iam.us-gov", "iam.us-gov"],
  },
  {
    name: "aws-eusc",
    regions: /^eusc-de-\w+-\d+$/,
    domain: "amazonaws.eu",
    dualStackDomain: "api.amazonwebservices.eu",
    iamRegion: "eusc-de-east-1",
    iam: ["iam.eusc-de-east-1", "iam.global", "iam-fips", "iam-fips"],
  },
  {
    name: "aws-iso",
    regions: /^us-iso-\w+-\d+$/,
    domain: "c2s.ic.gov",
    dualStackDomain: "api.aws.ic.gov",
    iamRegion: "us-iso-east-1",
    iam: ["iam.us-iso-east-1", "iam", "iam-fips.us-iso-east-1", "iam-fips"],
  },
  {
    name: "aws-iso-b",
    regions: /^us-isob-\w+-\d+$/,
    domain: "sc2s.sgov.gov",
    dualStackDomain: "api.aws.scloud",
    iamRegion: "us-isob-east-1",
    iam: ["iam.us-isob-east-1", "iam", "iam-fips.us-isob-east-1", "iam-fips"],
  },
  {
    name: "aws-iso-e",
    regions: /^eu-isoe-\w+-\d+$/,
    domain: "cloud.adc-e.uk",
    dualStackDomain: "api.cloud-aws.adc-e.uk",
    iamRegion: "eu-isoe-west-1",
    iam: ["iam.eu-isoe-west-1", "iam", "iam-fips", "iam-fips"],
    lacks: "dual-stack",
  },
  {
    name: "aws-iso-f",
    regions: /^us-isof-\w+-\d+$/,
    domain: "csp.hci.ic.gov",
    dualStackDomain: "api.aws.hci.ic.gov",
    iamRegion: "us-isof-south-1",
    iam: ["iam.us-isof-south-1", "iam", "iam-fips", "iam-fips"],
    lacks: "dual-stack",
  },
];

/**
 * Returns the partition of a region.
 *
 * @param region Such as `us-west-2`.
 * @returns Its partition; the commercial one for a region that is not known.
 */
export function partitionOf(region: string): Partition {
  return partitions.find(({ regions }) => regions.test(region)) ?? commercial;
}

/**
 * Recognizes EC2 instances.
 *
 * @module
 */

/**
 * The files that identify an instance, newest kind first; some are readable by root only:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
 */
const signs: readonly (readonly [file: string, sign: RegExp])[] = [
  ["class/dmi/id/board_asset_tag", /^i-/],
  ["class/dmi/id/sys_vendor", /^Amazon EC2$/],
  // Xen: Amazon's firmware, and a UUID that begins with ec2, possibly with its bytes reversed.
  ["class/dmi/id/bios_version", /amazon/i],
  ["hypervisor/uuid", /^ec2|^.{4}2.ec/i],
  ["class/dmi/id/product_uuid", /^ec2|^.{4}2.ec/i],
];

/**
 * Reports whether this machine looks like an EC2 instance. Elsewhere, asking for instance metadata
 * would take seconds to fail.
 *
 * @param sys The path of the sys file system.
 */
export async function looksLikeEc2(sys = "/sys"): Promise<boolean> {
  for (const [file, sign] of signs) {
    try {
      if (sign.test((await Deno.readTextFile(`${sys}/${file}`)).trim())) return true;
    } catch {
      // Missing, or not readable by this user.
    }
  }
  return false;
}

/**
 * Whether this machine is one of EC2's.
 *
 * @module
 */

/**
 * Where such a machine shows it, newest kind first; not every file may be read by every user:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
 */
const signs: readonly (readonly [file: string, sign: RegExp])[] = [
  ["class/dmi/id/board_asset_tag", /^i-/],
  ["class/dmi/id/sys_vendor", /^Amazon EC2$/],
  // Xen: a firmware of Amazon's, and a UUID that begins with ec2, its bytes maybe in reverse.
  ["class/dmi/id/bios_version", /amazon/i],
  ["hypervisor/uuid", /^ec2|^.{4}2.ec/i],
  ["class/dmi/id/product_uuid", /^ec2|^.{4}2.ec/i],
];

/**
 * Looks whether this machine is one of EC2's. Asking the metadata service of a machine that has none
 * takes seconds.
 *
 * @param sys Where the system is described.
 * @returns True if it is one.
 */
export async function looksLikeEc2(sys = "/sys"): Promise<boolean> {
  for (const [file, sign] of signs) {
    try {
      if (sign.test((await Deno.readTextFile(`${sys}/${file}`)).trim())) return true;
    } catch {
      // Not there, or not for this user: the next file may tell.
    }
  }
  return false;
}

/**
 * Reports whether a part of a parsed template may access certain fields of the data.
 *
 * @param node Any part of the tree.
 * @param names The names of the fields.
 * @returns False only if it certainly does not: it neither mentions a name, nor `.` or `$` alone,
 * which may be the whole data.
 */
export function mentions(node: unknown, names: ReadonlySet<string>): boolean {
  if (typeof node !== "object" || node === null) return false;
  if (Array.isArray(node)) return node.some((each) => mentions(each, names));
  if ("kind" in node && node.kind === "dot") return true;
  if ("names" in node && Array.isArray(node.names)) {
    const [first, ...fields] = node.names;
    if (first === "$" && fields.length === 0) return true;
    if (node.names.some((name) => names.has(name))) return true;
  }
  return Object.values(node).some((each) => mentions(each, names));
}

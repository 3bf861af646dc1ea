/**
 * Reports whether a part of a parsed template may access certain fields of the data.
 *
 * @param node Any part of the tree.
 * @param names The names of the fields.
 * @returns False only if it certainly does not: it neither names one, nor `.` or `$` alone, which may
 * be the whole data.
 */
export function mentions(node: unknown, names: ReadonlySet<string>): boolean {
  return some(node, (each) => isWholeData(each) || isNamed(each, names));
}

/**
 * Reports whether a part of a parsed template names certain fields, of any value.
 *
 * @param node Any part of the tree.
 * @param names The names of the fields.
 */
export function namesAny(node: unknown, names: ReadonlySet<string>): boolean {
  return some(node, (each) => isNamed(each, names));
}

/** Reports whether a node or one below it passes a test. */
function some(node: unknown, test: (node: object) => boolean): boolean {
  if (typeof node !== "object" || node === null) return false;
  if (Array.isArray(node)) return node.some((each) => some(each, test));
  return test(node) || Object.values(node).some((each) => some(each, test));
}

function isWholeData(node: object): boolean {
  if ("kind" in node && node.kind === "dot") return true;
  return "names" in node && Array.isArray(node.names) && node.names.length === 1 &&
    node.names[0] === "$";
}

function isNamed(node: object, names: ReadonlySet<string>): boolean {
  return "names" in node && Array.isArray(node.names) &&
    node.names.some((name) => names.has(name));
}

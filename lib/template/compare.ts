import { CallError } from "./errors.ts";
import { describeValue } from "./print.ts";
import { compareBytes } from "./text.ts";
import {
  Byte,
  Complex,
  concrete,
  isNilSlice,
  type Kind,
  kindOf,
  typeName,
  type Value,
} from "./value.ts";

const basicKinds: ReadonlySet<Kind> = new Set<Kind>([
  "bool",
  "int",
  "uint8",
  "float64",
  "complex128",
  "string",
]);

function basicKind(value: Value): Kind | undefined {
  const kind = kindOf(value);
  return basicKinds.has(kind) ? kind : undefined;
}

/** Returns the value of an int or byte, which can be compared with each other. */
function integer(value: Value): bigint | undefined {
  if (value instanceof Byte) return BigInt(value.value);
  return typeof value === "bigint" ? value : undefined;
}

function incompatible(a: Value, b: Value): CallError {
  return new CallError(
    `incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`,
  );
}

function equalOne(a: Value, b: Value): boolean {
  const left = basicKind(a);
  const right = basicKind(b);
  const number = integer(a);
  const other = integer(b);
  if (number !== undefined && other !== undefined) return number === other;
  if (left !== right) {
    if (a !== undefined && b !== undefined) throw incompatible(a, b);
    return false;
  }
  if (a instanceof Complex && b instanceof Complex) {
    return a.real === b.real && a.imaginary === b.imaginary;
  }
  if (left !== undefined) return a === b;
  if (a !== undefined && b !== undefined && kindOf(a) !== kindOf(b)) {
    throw new CallError(
      `non-comparable types ${describeValue(a, "s")}: ${typeName(a)}, ${typeName(b)}: ${
        describeValue(b)
      }`,
    );
  }
  const isLeftNil = a === undefined || isNilSlice(a);
  const isRightNil = b === undefined || isNilSlice(b);
  if (isLeftNil || isRightNil) return isLeftNil && isRightNil;
  if (kindOf(b) !== "pointer") {
    throw new CallError(`non-comparable type ${describeValue(b, "s")}: ${typeName(b)}`);
  }
  return a === b;
}

/** Reports whether `first` equals any of the others, stopping at the first that it equals. */
export function equal(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw new CallError("missing argument for comparison");
  const value = concrete(first);
  return others.some((other) => equalOne(value, concrete(other)));
}

/** Reports whether `first < second`; fails for types that are not ordered. */
export function less(first: Value, second: Value): boolean {
  const a = concrete(first);
  const b = concrete(second);
  const left = basicKind(a);
  const right = basicKind(b);
  if (left === undefined || right === undefined) throw new CallError("invalid type for comparison");
  const number = integer(a);
  const other = integer(b);
  if (number !== undefined && other !== undefined) return number < other;
  if (left !== right) throw incompatible(a, b);
  if (typeof a === "number" && typeof b === "number") return a < b;
  if (typeof a === "string" && typeof b === "string") return compareBytes(a, b) < 0;
  throw new CallError("invalid type for comparison");
}

/** Reports whether `first <= second`. */
export function lessOrEqual(first: Value, second: Value): boolean {
  return less(first, second) || equal(first, [second]);
}

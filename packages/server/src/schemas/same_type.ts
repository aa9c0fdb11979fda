/** True if each type is assignable to the other and both have the same fields, `readonly` aside. */
export type Same<One, Other> = [One, Other, Full<One>, Full<Other>] extends
  [Other, One, Full<Other>, Full<One>] ? true
  : false;

/** Compiles with `true` only. */
export type Assert<Claim extends true> = Claim;

/** Every field required and writable: a missing optional field is a difference then. */
type Full<T> = T extends readonly (infer Item)[] ? Full<Item>[]
  : T extends object ? { -readonly [Name in keyof T]-?: Full<T[Name]> }
  : T;

/** A plain value as google.protobuf.Value. */
function value(plain) {
  if (plain === null) return { nullValue: "NULL_VALUE" };
  if (typeof plain === "number") return { numberValue: plain };
  if (typeof plain === "string") return { stringValue: plain };
  if (typeof plain === "boolean") return { boolValue: plain };
  if (Array.isArray(plain)) return { listValue: { values: plain.map(value) } };
  return { structValue: struct(plain) };
}

/** A plain object as google.protobuf.Struct. */
export function struct(object) {
  return { fields: Object.fromEntries(Object.entries(object).map(([key, plain]) => [key, value(plain)])) };
}

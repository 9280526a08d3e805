// The golden values of spec/data in a browser, as support/variants.lua has them in Lua: described for comparing, and
// built with what wsmultiplayer.js exports. Each check gives the complaints, one a line.
import * as ws from "/wsmultiplayer.js";

export async function lines(name) {
  const text = await (await fetch(`/data/variant_${name}.jsonl`)).text();
  return text.trim().split("\n").map((line) => JSON.parse(line));
}
export const from_hex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const to_hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// ---- Describing: the same text for a value of the data files and for a decoded one

const real = (value) => typeof value === "string" ? { inf: Infinity, "-inf": -Infinity, nan: NaN }[value] : value;
const show = (number) => Object.is(number, -0) ? "-0" : String(number);
const show_list = (list, show_item) => "[" + Array.from(list, show_item).join(", ") + "]";
const quoted = (text) => JSON.stringify(text);

const vectors = (fields, of) => Object.fromEntries(fields.map((field) => [field, of]));
const FIELDS = {
  Vector2: ["x", "y"], Vector2i: ["x", "y"], Vector3: ["x", "y", "z"], Vector3i: ["x", "y", "z"],
  Vector4: ["x", "y", "z", "w"], Vector4i: ["x", "y", "z", "w"], Quaternion: ["x", "y", "z", "w"],
  Color: ["r", "g", "b", "a"],
  Rect2: vectors(["position", "size"], "Vector2"), Rect2i: vectors(["position", "size"], "Vector2i"),
  AABB: vectors(["position", "size"], "Vector3"), Plane: { normal: "Vector3", d: null },
  Transform2D: vectors(["x", "y", "origin"], "Vector2"), Basis: vectors(["x", "y", "z"], "Vector3"),
  Transform3D: { basis: "Basis", origin: "Vector3" }, Projection: vectors(["x", "y", "z", "w"], "Vector4"),
};
const parts_of = (type) =>
  Array.isArray(FIELDS[type]) ? FIELDS[type].map((field) => [field, null]) : Object.entries(FIELDS[type]);
const ELEMENTS = {
  PackedVector2Array: "Vector2", PackedVector3Array: "Vector3", PackedVector4Array: "Vector4",
  PackedColorArray: "Color",
};
const BUFFERS = {
  PackedInt32Array: Int32Array, PackedInt64Array: BigInt64Array,
  PackedFloat32Array: Float32Array, PackedFloat64Array: Float64Array,
};

const show_compound = (type, get) =>
  `${type}(${parts_of(type).map(([field, part], i) => get(field, part, i)).join(", ")})`;
const golden_compound = (type, value) => show_compound(type, (field, part, i) => {
  const item = Array.isArray(value) ? value[i] : value[field];
  return part ? golden_compound(part, item) : show(real(item));
});
const value_compound = (type, value) => value.constructor !== ws[type] ? `not a ${type}`
  : show_compound(type, (field, part) => part ? value_compound(part, value[field]) : show(value[field]));

const show_path = (path, text) => "NodePath " + path.absolute + show_list(path.names, quoted) +
  show_list(path.subnames, quoted) + quoted(text);
// A number is an int or a float that does not tell which.
const show_float_key = (value) =>
  Number.isInteger(value) || Number.isNaN(value) ? `Float ${show(value)}` : show(value);

function golden(type, value) {
  if (type === "Nil" || type === "Object" && value === null) return "null";
  if (type === "bool") return String(value);
  if (type === "int") return Number.isSafeInteger(Number(value)) ? show(Number(value)) : `${value}n`;
  if (type === "float") return show(real(value));
  if (type === "String") return quoted(value);
  if (type === "StringName") return "&" + quoted(value);
  if (type === "NodePath") return show_path(value, value.path);
  if (type === "RID") return "RID " + value;
  if (type === "Object") return "Object " + value.object_id;
  if (type === "Callable") return "Callable";
  if (type === "Signal") return `Signal ${quoted(value.name)} ${value.object_id}`;
  if (type === "PackedByteArray") return "bytes " + value;
  if (type === "PackedStringArray") return type + show_list(value, quoted);
  if (type === "PackedInt64Array") return type + show_list(value, (item) => `${item}n`);
  if (BUFFERS[type]) return type + show_list(value, (item) => show(real(item)));
  if (ELEMENTS[type]) return type + show_list(value, (item) => golden_compound(ELEMENTS[type], item));
  if (FIELDS[type]) return golden_compound(type, value);
  if (type === "Array") return show_list(value.items, (item) => golden(item.type, item.value));
  if (type !== "Dictionary") throw new Error(type);
  return "Dictionary" + show_list(value.entries, ([key, item]) => {
    const shown = key.type === "float" ? show_float_key(real(key.value)) : golden(key.type, key.value);
    return `${shown}: ${golden(item.type, item.value)}`;
  });
}

function show_value(value) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return show(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return quoted(value);
  const type = value.constructor.name;
  if (type === "Float") return `Float ${show(value.value)}`;
  if (type === "StringName") return "&" + quoted(String(value));
  if (type === "NodePath") return show_path(value, String(value));
  if (type === "RID") return "RID " + value.id;
  if (type === "EncodedObjectAsID") return "Object " + value.object_id;
  if (type === "Callable") return "Callable";
  if (type === "Signal") return `Signal ${quoted(value.name)} ${value.object_id}`;
  if (type === "Uint8Array") return "bytes " + to_hex(value);
  if (type === "PackedStringArray") return type + show_list(value, quoted);
  const buffer = Object.keys(BUFFERS).find((name) => value.constructor === BUFFERS[name]);
  if (buffer) return buffer + show_list(value, show_value);
  if (ELEMENTS[type]) return type + show_list(value, (item) => value_compound(ELEMENTS[type], item));
  if (FIELDS[type]) return value_compound(type, value);
  if (type === "Array") return show_list(value, show_value);
  return type + show_list(value, ([key, item]) =>
    `${value.is_string_name(key) ? "&" : ""}${show_value(key)}: ${show_value(item)}`);
}

// ---- Building

function build_compound(type, value) {
  return new ws[type](...parts_of(type).map(([field, part], i) => {
    const item = Array.isArray(value) ? value[i] : value[field];
    return part ? build_compound(part, item) : real(item);
  }));
}

function build(type, value) {
  if (type === "Nil" || type === "Object" && value === null) return null;
  if (type === "bool" || type === "String") return value;
  if (type === "int") return Number.isSafeInteger(Number(value)) ? Number(value) : BigInt(value);
  if (type === "float") return new ws.Float(real(value));
  if (type === "StringName") return new ws.StringName(value);
  if (type === "NodePath") return new ws.NodePath(value.path);
  if (type === "RID") return new ws.RID(BigInt(value));
  if (type === "Object") return new ws.EncodedObjectAsID(BigInt(value.object_id));
  if (type === "Callable") return new ws.Callable();
  if (type === "Signal") return new ws.Signal(value.name, BigInt(value.object_id));
  if (type === "PackedByteArray") return from_hex(value);
  if (type === "PackedStringArray") return ws.PackedStringArray.from(value);
  if (type === "PackedInt64Array") return BigInt64Array.from(value, BigInt);
  if (BUFFERS[type]) return BUFFERS[type].from(value, real);
  if (ELEMENTS[type]) return ws[type].from(value, (item) => build_compound(ELEMENTS[type], item));
  if (FIELDS[type]) return build_compound(type, value);
  if (type === "Array") return value.items.map((item) => build(item.type, item.value));
  return new ws.Dictionary(value.entries.map((entry) => entry.map((item) => build(item.type, item.value))));
}

// ---- What cannot be the same

// A value of the data files, or something in it, for which this is true.
function any(type, value, is) {
  if (is(type, value)) return true;
  if (type === "Array") return value.items.some((item) => any(item.type, item.value, is));
  return type === "Dictionary" && value.entries.flat().some((item) => any(item.type, item.value, is));
}
const is_typed = (type, value) => type === "Array" && value.element_type !== null ||
  type === "Dictionary" && (value.key_type !== null || value.value_type !== null);
// A received float that is whole goes out again as an int; a Dictionary[.., float] makes its ints floats.
const is_whole_float = (type, value) => type === "float" && Number.isSafeInteger(value) && !Object.is(value, -0);
const has_int_among_floats = (type, value) => type === "Dictionary" && value.value_type?.type === "float" &&
  value.entries.some(([, item]) => item.type === "int");
const may_change = (type, value) => any(type, value, is_whole_float) || any(type, value, has_int_among_floats);
// JavaScript knows only one NaN.
const has_nan = (value) =>
  value === "nan" || typeof value === "object" && value !== null && Object.values(value).some(has_nan);

// Godot's sum of two counts wraps around.
const REFUSED = ["node_path_counts_wrap_to_none"];

// ---- The checks

function failing(cases, check) {
  const complaints = [];
  for (const one of cases) {
    let why;
    try {
      why = check(one);
    } catch (error) {
      why = error.stack;
    }
    if (why) complaints.push(`${one.name}: ${why}`.slice(0, 400));
  }
  return complaints.join("\n") || (cases.length > 100 ? "all of them" : `all of ${cases.length}`);
}
const differ = (expected, actual) => expected === actual ? "" : `expected ${expected}, got ${actual}`;

function decode(bytes) {
  try {
    return { value: ws.bytes_to_var(bytes) };
  } catch (error) {
    if (!(error instanceof ws.VariantError) || !(error.error > 0)) throw error;
    return { error };
  }
}

export async function check_vectors() {
  const cases = await lines("vectors");
  const outcome = (one) => one.decoded ?? one;
  let skipped = 0;
  return {
    decoded: failing(cases, (one) => {
      const { type, value } = outcome(one);
      return differ(golden(type, value), show_value(ws.bytes_to_var(from_hex(one.hex))));
    }),
    reencoded: failing(cases, (one) => {
      const { type, value } = outcome(one);
      if (may_change(type, value) || has_nan(value) && type !== "float") return void skipped++;
      return differ(one.reencoded ?? one.hex, to_hex(ws.var_to_bytes(ws.bytes_to_var(from_hex(one.hex)))));
    }),
    built: failing(cases, (one) => {
      let { type, value } = one;
      if (one.decoded && type !== "String") ({ type, value } = one.decoded);
      if (any(type, value, is_typed) || has_nan(value)) return;
      return differ(one.hex, to_hex(ws.var_to_bytes(build(type, value))));
    }),
    refused: failing(cases.filter((one) => one.hex_with_objects && one.type === "Object"),
      (one) => differ(ws.GodotError.ERR_UNAUTHORIZED, decode(from_hex(one.hex_with_objects)).error?.error)),
    skipped: skipped / cases.length,
  };
}

export async function check_malformed() {
  const cases = await lines("malformed");
  const is_taken = (one) => one.ok && !REFUSED.includes(one.name);
  return {
    decoded: failing(cases, (one) => {
      const { value, error } = decode(from_hex(one.hex));
      if (!is_taken(one)) return error ? "" : `decoded, but not by Godot: ${show_value(value)}`;
      if (error) return `refused, but not by Godot: ${error.message}`;
      return one.value === undefined ? "" : differ(golden(one.type, one.value), show_value(value));
    }),
    reencoded: failing(cases, (one) => {
      if (!is_taken(one) || !one.reencoded) return;
      if (one.value !== undefined && may_change(one.type, one.value)) return;
      return differ(one.reencoded, to_hex(ws.var_to_bytes(ws.bytes_to_var(from_hex(one.hex)))));
    }),
  };
}

// What an echoing server makes of the values that this module decodes and encodes. Typed Dictionaries are not known to
// each Godot; objects and NaN are not the same twice.
export async function check_echo(peer, knows_typed_dictionaries) {
  const is_typed_dictionary = (type, value) => type === "Dictionary" && is_typed(type, value);
  const cases = (await lines("vectors")).filter(({ type, value, volatile }) => !volatile && !has_nan(value) &&
    (knows_typed_dictionaries || !any(type, value, is_typed_dictionary)));
  for (const one of cases) {
    const value = ws.bytes_to_var(from_hex(one.hex));
    const bytes = to_hex(ws.var_to_bytes(value));
    const echo = new Promise((heard) => peer.packet.connect(heard, ws.CONNECT_ONE_SHOT));
    if (peer.put_var(value) !== ws.OK) return `${one.name}: ${peer.get_last_error()}`;
    const why = differ(bytes, to_hex(await echo));
    if (why) return `${one.name}: ${why}`;
  }
  return "all of them";
}

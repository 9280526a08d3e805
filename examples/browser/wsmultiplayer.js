// Godot 4's WebSocketMultiplayerPeer, as a client, for browsers: an ES module without dependencies.
//
//   import { WebSocketMultiplayerPeer } from "./wsmultiplayer.js";
//
//   const peer = new WebSocketMultiplayerPeer();
//   peer.peer_connected.connect(() => peer.put_var(["join", "Ada"]));
//   peer.peer_disconnected.connect(() => console.log(peer.get_last_error()));
//   peer.connection_failed.connect((why) => console.log(why));
//   peer.packet.connect((bytes) => console.log(bytes_to_var(bytes)));
//   peer.create_client("ws://127.0.0.1:9080");
//
// Names and numbers are Godot's. What differs is what a browser differs in: nobody has to poll, since signals are
// emitted when something happens; `packet` and `connection_failed` are signals too.

// ---- Constants ----

const ERROR_NAMES = (
  "OK FAILED ERR_UNAVAILABLE ERR_UNCONFIGURED ERR_UNAUTHORIZED ERR_PARAMETER_RANGE_ERROR ERR_OUT_OF_MEMORY " +
  "ERR_FILE_NOT_FOUND ERR_FILE_BAD_DRIVE ERR_FILE_BAD_PATH ERR_FILE_NO_PERMISSION ERR_FILE_ALREADY_IN_USE " +
  "ERR_FILE_CANT_OPEN ERR_FILE_CANT_WRITE ERR_FILE_CANT_READ ERR_FILE_UNRECOGNIZED ERR_FILE_CORRUPT " +
  "ERR_FILE_MISSING_DEPENDENCIES ERR_FILE_EOF ERR_CANT_OPEN ERR_CANT_CREATE ERR_QUERY_FAILED ERR_ALREADY_IN_USE " +
  "ERR_LOCKED ERR_TIMEOUT ERR_CANT_CONNECT ERR_CANT_RESOLVE ERR_CONNECTION_ERROR ERR_CANT_ACQUIRE_RESOURCE " +
  "ERR_CANT_FORK ERR_INVALID_DATA ERR_INVALID_PARAMETER ERR_ALREADY_EXISTS ERR_DOES_NOT_EXIST " +
  "ERR_DATABASE_CANT_READ ERR_DATABASE_CANT_WRITE ERR_COMPILATION_FAILED ERR_METHOD_NOT_FOUND ERR_LINK_FAILED " +
  "ERR_SCRIPT_FAILED ERR_CYCLIC_LINK ERR_INVALID_DECLARATION ERR_DUPLICATE_SYMBOL ERR_PARSE_ERROR ERR_BUSY " +
  "ERR_SKIP ERR_HELP ERR_BUG ERR_PRINTER_ON_FIRE"
).split(" ");

/** Godot's Error numbers by name: `GodotError.ERR_UNCONFIGURED`. @type {Readonly<Record<string, number>>} */
export const GodotError = Object.freeze(Object.fromEntries(ERROR_NAMES.map((name, number) => [name, number])));

export const OK = 0;

/** For Signal.connect: only once. */
export const CONNECT_ONE_SHOT = 4;

const {
  FAILED, ERR_UNAVAILABLE, ERR_UNCONFIGURED, ERR_UNAUTHORIZED, ERR_OUT_OF_MEMORY, ERR_FILE_EOF, ERR_ALREADY_IN_USE,
  ERR_INVALID_DATA, ERR_INVALID_PARAMETER,
} = GodotError;

// ---- Signals ----

/** Tells the console, and window.onerror, without stopping whoever called. @param {unknown} error */
function report(error) {
  if (typeof reportError === "function") reportError(error);
  else setTimeout(() => { throw error; });
}

/**
 * Godot's Signal: functions that are called in order when something happens. As a Variant only its name and the number
 * of its object are sent.
 */
export class Signal {
  /** @type {{callable: Function, one_shot: boolean}[]} */
  #connections = [];

  /** @param {string} [name] @param {bigint} [object_id] */
  constructor(name = "", object_id = 0n) {
    this.name = name;
    this.object_id = object_id;
  }

  /**
   * @param {Function} callable
   * @param {number} [flags] CONNECT_ONE_SHOT: only once
   * @returns {number} OK, or ERR_INVALID_PARAMETER if it is connected already
   */
  connect(callable, flags = 0) {
    if (typeof callable !== "function") throw new TypeError(`Signal.connect: a function expected, got ${callable}`);
    if (this.is_connected(callable)) return ERR_INVALID_PARAMETER;
    // A new list each time: whoever walks the old one keeps it.
    this.#connections = [...this.#connections, { callable, one_shot: (flags & CONNECT_ONE_SHOT) !== 0 }];
    return OK;
  }

  /** @param {Function} callable @returns {number} OK, or ERR_INVALID_PARAMETER if it was not connected */
  disconnect(callable) {
    if (!this.is_connected(callable)) return ERR_INVALID_PARAMETER;
    this.#connections = this.#connections.filter((connection) => connection.callable !== callable);
    return OK;
  }

  /** @param {Function} callable @returns {boolean} */
  is_connected(callable) {
    return this.#connections.some((connection) => connection.callable === callable);
  }

  /** @returns {Function[]} */
  get_connections() {
    return this.#connections.map((connection) => connection.callable);
  }

  /** Calls all. What one of them throws goes to the console, and the others are called all the same. */
  emit(...args) {
    for (const { callable, one_shot } of this.#connections) {
      if (!this.is_connected(callable)) continue; // disconnected by one before it
      if (one_shot) this.disconnect(callable);
      try {
        callable(...args);
      } catch (error) {
        report(error);
      }
    }
  }
}

// ---- The peer ----

const DISCONNECTED = 0, CONNECTING = 1, CONNECTED = 2;
const RELIABLE = 2;
const LONGEST_TIMER = 0x7fffffff; // milliseconds

/**
 * A client of a Godot, or Lua, WebSocketMultiplayerPeer server.
 *
 * What returns an Error in Godot returns its number here; get_last_error() has a text for it, and for what went wrong
 * later. A packet that arrives goes to the handlers of `packet` if there are any; else it waits for get_packet().
 */
export class WebSocketMultiplayerPeer {
  static CONNECTION_DISCONNECTED = DISCONNECTED;
  static CONNECTION_CONNECTING = CONNECTING;
  static CONNECTION_CONNECTED = CONNECTED;
  static TARGET_PEER_BROADCAST = 0;
  static TARGET_PEER_SERVER = 1;
  static TRANSFER_MODE_UNRELIABLE = 0;
  static TRANSFER_MODE_UNRELIABLE_ORDERED = 1;
  static TRANSFER_MODE_RELIABLE = RELIABLE;

  /** (id): connected to the server, whose id is 1. */
  peer_connected = new Signal("peer_connected");
  /** (id, close_code, close_reason, was_clean): code 0 stands for none, -1 for an end without a close frame. */
  peer_disconnected = new Signal("peer_disconnected");
  /** Beyond Godot. (why): create_client() came to nothing. */
  connection_failed = new Signal("connection_failed");
  /** Beyond Godot. (Uint8Array, sender's id): a packet has arrived. */
  packet = new Signal("packet");

  /** @type {string[]} */
  supported_protocols = [];
  /** Seconds from create_client() until the server's id has to be there. */
  handshake_timeout = 3.0;
  /** Bytes that may wait to be sent; 0 for no limit. */
  outbound_buffer_size = 65535;
  /** Bytes that put_var() may make of a value. */
  encode_buffer_max_size = 8 * 1024 * 1024;
  // WebSockets are reliable and ordered whatever these say.
  transfer_mode = RELIABLE;
  transfer_channel = 0;

  /** @type {WebSocket | null} */
  #socket = null;
  #status = DISCONNECTED;
  #id = 0;
  /** @type {Uint8Array[]} */
  #queue = [];
  #next = 0; // in #queue
  #packet_error = OK;
  #last_error = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer = undefined;
  #target = 0;

  /**
   * Starts to connect. Then either peer_connected or connection_failed is emitted.
   * @param {string} url ws:// or wss://
   * @param {{supported_protocols?: string[], handshake_timeout?: number}} [options] sets these properties
   * @returns {number} OK, ERR_ALREADY_IN_USE or ERR_INVALID_PARAMETER
   */
  create_client(url, options = {}) {
    if (this.#status !== DISCONNECTED) return this.#refuse(ERR_ALREADY_IN_USE, "in use already");
    if (options.supported_protocols !== undefined) this.supported_protocols = options.supported_protocols;
    if (options.handshake_timeout !== undefined) this.handshake_timeout = options.handshake_timeout;
    if (!/^wss?:\/\//i.test(url)) return this.#refuse(ERR_INVALID_PARAMETER, `not a ws:// or wss:// URL: ${url}`);
    let socket;
    try {
      socket = new WebSocket(url, this.supported_protocols);
    } catch (error) { // a malformed URL or protocol; also ws:// from a page that came by https://
      return this.#refuse(ERR_INVALID_PARAMETER, error instanceof Error ? error.message : String(error));
    }
    this.#forget_packets();
    this.#last_error = "";
    this.#status = CONNECTING;
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    // What a socket tells after the peer has let go of it is of no interest.
    socket.onmessage = (event) => { if (socket === this.#socket) this.#receive(event.data); };
    socket.onclose = (event) => { if (socket === this.#socket) this.#ended(event); };
    this.#timer = setTimeout(() => this.#timed_out(), Math.min(this.handshake_timeout * 1000, LONGEST_TIMER));
    return OK;
  }

  /** A page cannot be a server. @returns {number} ERR_UNAVAILABLE */
  create_server() {
    return this.#refuse(ERR_UNAVAILABLE, "a browser cannot be a server");
  }

  /** Ends the connection: no signal is emitted, waiting packets are dropped, and create_client() may be called. */
  close() {
    if (this.#status !== DISCONNECTED) this.#last_error = "closed by this program";
    this.#let_go();
    this.#forget_packets();
  }

  /**
   * Closes the connection to the server. peer_disconnected is emitted when it has answered, or not at all if forced.
   * @param {number} id 1
   */
  disconnect_peer(id, force = false) {
    if (id !== 1 || !this.#socket) return;
    if (force || this.#status !== CONNECTED) this.close();
    else this.#socket.close(1000);
  }

  /** Nothing: a browser calls when something happens. For code that is used to it. */
  poll() {}

  /** @returns {number} CONNECTION_DISCONNECTED, CONNECTION_CONNECTING or CONNECTION_CONNECTED */
  get_connection_status() {
    return this.#status;
  }

  /** The id that the server has given; 0 while there is none. @returns {number} */
  get_unique_id() {
    return this.#id;
  }

  /** @returns {boolean} */
  is_server() {
    return false;
  }

  /** Why the last thing failed, or how the connection ended; "" if nothing has gone wrong. @returns {string} */
  get_last_error() {
    return this.#last_error;
  }

  /** Kept for code that is used to it: whatever a client sends goes to the server. @param {number} id */
  set_target_peer(id) {
    this.#target = id;
  }

  /**
   * @param {Uint8Array | ArrayBuffer | string} packet text is sent as UTF-8
   * @returns {number} OK, ERR_UNCONFIGURED (not connected), FAILED (closing) or ERR_OUT_OF_MEMORY (too much is waiting)
   */
  put_packet(packet) {
    const bytes = as_bytes(packet);
    if (bytes.length === 0) return OK; // as Godot: nothing is sent
    const socket = this.#socket;
    if (!socket || this.#status !== CONNECTED) {
      return this.#refuse(ERR_UNCONFIGURED, "not connected");
    }
    if (socket.readyState !== WebSocket.OPEN) return this.#refuse(FAILED, "the connection is closing");
    if (this.outbound_buffer_size > 0 && socket.bufferedAmount + bytes.length > this.outbound_buffer_size) {
      return this.#refuse(ERR_OUT_OF_MEMORY,
        `${bytes.length} bytes do not fit into outbound_buffer_size with ${socket.bufferedAmount} still to be sent`);
    }
    socket.send(bytes);
    return OK;
  }

  /**
   * Sends a value as one packet.
   * @param {Variant} value
   * @returns {number} as put_packet; ERR_INVALID_DATA for what is no Variant
   */
  put_var(value) {
    let bytes;
    try {
      bytes = var_to_bytes(value);
    } catch (error) {
      if (error instanceof VariantError) return this.#refuse(error.error, error.message);
      throw error;
    }
    if (bytes.length > this.encode_buffer_max_size) {
      return this.#refuse(ERR_OUT_OF_MEMORY, `${bytes.length} bytes are more than encode_buffer_max_size`);
    }
    return this.put_packet(bytes);
  }

  /** How many wait. What came before the connection ended is there until another is made. @returns {number} */
  get_available_packet_count() {
    return this.#queue.length - this.#next;
  }

  /** The oldest packet that waits, or undefined: see get_packet_error(). @returns {Uint8Array | undefined} */
  get_packet() {
    if (this.get_available_packet_count() === 0) {
      this.#packet_error = this.#status === CONNECTED ? ERR_UNAVAILABLE : ERR_UNCONFIGURED;
      return undefined;
    }
    this.#packet_error = OK;
    const packet = this.#queue[this.#next++];
    if (this.#next === this.#queue.length || this.#next > 1024) {
      this.#queue.splice(0, this.#next);
      this.#next = 0;
    }
    return packet;
  }

  /** The result of the last get_packet(). @returns {number} */
  get_packet_error() {
    return this.#packet_error;
  }

  /**
   * The oldest packet that waits as a value, or undefined if no packet waits.
   * @returns {Variant | undefined}
   * @throws {VariantError} for bytes that are none
   */
  get_var() {
    const packet = this.get_packet();
    return packet && bytes_to_var(packet);
  }

  /** Who has sent the next packet: for a client always the server. @returns {number} */
  get_packet_peer() {
    return 1;
  }

  /** @returns {number} */
  get_packet_channel() {
    return 0;
  }

  /** @returns {number} */
  get_packet_mode() {
    return RELIABLE;
  }

  /** @param {number} error @param {string} why */
  #refuse(error, why) {
    this.#last_error = why;
    return error;
  }

  #forget_packets() {
    this.#queue = [];
    this.#next = 0;
  }

  #let_go() {
    const socket = this.#socket;
    clearTimeout(this.#timer);
    this.#socket = null;
    this.#status = DISCONNECTED;
    this.#id = 0;
    if (socket) socket.close(socket.readyState === WebSocket.OPEN ? 1000 : undefined);
  }

  /** Gives up before there was an id. @param {string} why */
  #fail(why) {
    this.#last_error = why;
    this.#let_go();
    this.connection_failed.emit(why);
  }

  /** @param {ArrayBuffer | string} data */
  #receive(data) {
    const bytes = as_bytes(data);
    if (this.#status === CONNECTED) {
      if (bytes.length === 0) return; // as Godot: no packet
      if (this.packet.get_connections().length > 0) this.packet.emit(bytes, 1);
      else this.#queue.push(bytes);
      return;
    }
    const id = bytes.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true) : 0;
    if (id < 2) return this.#fail("the server's first message was not a valid id: no Godot multiplayer server?");
    clearTimeout(this.#timer);
    this.#id = id;
    this.#status = CONNECTED;
    this.peer_connected.emit(1);
  }

  /** @param {CloseEvent} event */
  #ended({ code, reason, wasClean }) {
    // In a close frame there is no 1005 (none given) and no 1006 (no frame at all).
    const close_code = code === 1005 ? 0 : code === 1006 ? -1 : code;
    const how = close_code < 0
      ? "the connection was lost"
      : `closed by the other side with code ${close_code}${reason && `: ${reason}`}`;
    if (this.#status !== CONNECTED) {
      // A browser does not say what it was, so that pages cannot explore networks.
      this.#fail(close_code < 0
        ? `could not connect to ${this.#socket?.url}: no answer, or not one of a WebSocket server`
        : `${how}, before the server's id packet`);
      return;
    }
    this.#last_error = how;
    const socket = this.#socket;
    this.peer_disconnected.emit(1, close_code, reason, wasClean);
    if (socket === this.#socket) this.#let_go(); // unless a handler has connected anew
  }

  #timed_out() {
    const phase = this.#socket?.readyState === WebSocket.OPEN ? "the server's id packet" : "the connection";
    this.#fail(`timed out after ${this.handshake_timeout} s waiting for ${phase}`);
  }
}

const text_encoder = new TextEncoder();
const text_decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param {any} data Uint8Array, ArrayBuffer or string @returns {Uint8Array<any>} */
function as_bytes(data) {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (typeof data === "string") return text_encoder.encode(data);
  throw new TypeError(`bytes or text expected, got ${describe(data)}`);
}

// ---- Variants ----
//
// | Godot                | JavaScript                                                                 |
// | -------------------- | -------------------------------------------------------------------------- |
// | null, bool, String   | null, boolean, string                                                      |
// | int                  | number; BigInt beyond 2^53                                                 |
// | float                | number. To send a whole one as float: new Float(1)                         |
// | Array                | Array                                                                      |
// | Dictionary           | Dictionary, a Map. Maps can be sent too, and plain objects (keys: Strings) |
// | PackedByteArray      | Uint8Array                                                                 |
// | PackedInt32Array ... | Int32Array, BigInt64Array, Float32Array, Float64Array                      |
// | all others           | the classes below                                                          |
//
// Whole objects are refused, as Godot does by default.

/** @typedef {any} Variant */

/** What cannot be encoded or decoded. */
export class VariantError extends Error {
  /** @param {number} error Godot's number @param {string} message */
  constructor(error, message) {
    super(message);
    this.name = "VariantError";
    this.error = error;
  }
}

/** A number that is sent as a float, even if it is whole. Comes out of a decoder only as the key of a Dictionary. */
export class Float {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }
  valueOf() {
    return this.value;
  }
}

export class StringName {
  constructor(name = "") {
    this.name = name;
  }
  toString() {
    return this.name;
  }
}

export class NodePath {
  /** @type {string[]} */
  names = [];
  /** @type {string[]} */
  subnames = [];
  absolute = false;

  /** @param {string} [path] as Godot writes it: "/root/Main:position:x" */
  constructor(path = "") {
    const [names, ...subnames] = path.split(":");
    this.names = names.split("/").filter((name) => name !== "");
    this.subnames = subnames.filter((name) => name !== "");
    this.absolute = path.startsWith("/");
  }
  toString() {
    return (this.absolute ? "/" : "") + this.names.join("/") + this.subnames.map((name) => ":" + name).join("");
  }
}

export class Vector2 {
  constructor(x = 0, y = 0) { this.x = x; this.y = y; }
}
export class Vector2i extends Vector2 {}

export class Vector3 {
  constructor(x = 0, y = 0, z = 0) { this.x = x; this.y = y; this.z = z; }
}
export class Vector3i extends Vector3 {}

export class Vector4 {
  constructor(x = 0, y = 0, z = 0, w = 0) { this.x = x; this.y = y; this.z = z; this.w = w; }
}
export class Vector4i extends Vector4 {}

export class Quaternion {
  constructor(x = 0, y = 0, z = 0, w = 1) { this.x = x; this.y = y; this.z = z; this.w = w; }
}

export class Color {
  constructor(r = 0, g = 0, b = 0, a = 1) { this.r = r; this.g = g; this.b = b; this.a = a; }
}

export class Rect2 {
  constructor(position = new Vector2(), size = new Vector2()) { this.position = position; this.size = size; }
}
export class Rect2i {
  constructor(position = new Vector2i(), size = new Vector2i()) { this.position = position; this.size = size; }
}
export class AABB {
  constructor(position = new Vector3(), size = new Vector3()) { this.position = position; this.size = size; }
}
export class Plane {
  constructor(normal = new Vector3(), d = 0) { this.normal = normal; this.d = d; }
}

/** x, y and origin are the columns. */
export class Transform2D {
  constructor(x = new Vector2(1, 0), y = new Vector2(0, 1), origin = new Vector2()) {
    this.x = x; this.y = y; this.origin = origin;
  }
}
/** x, y and z are the columns. */
export class Basis {
  constructor(x = new Vector3(1, 0, 0), y = new Vector3(0, 1, 0), z = new Vector3(0, 0, 1)) {
    this.x = x; this.y = y; this.z = z;
  }
}
export class Transform3D {
  constructor(basis = new Basis(), origin = new Vector3()) { this.basis = basis; this.origin = origin; }
}
/** x, y, z and w are the columns. */
export class Projection {
  constructor(
    x = new Vector4(1, 0, 0, 0), y = new Vector4(0, 1, 0, 0), z = new Vector4(0, 0, 1, 0), w = new Vector4(0, 0, 0, 1),
  ) {
    this.x = x; this.y = y; this.z = z; this.w = w;
  }
}

export class RID {
  /** @param {bigint} [id] */
  constructor(id = 0n) { this.id = id; }
}
/** Godot sends an empty one. */
export class Callable {}

/** An object of the other side, of which only the number is known. */
export class EncodedObjectAsID {
  /** @param {bigint} object_id */
  constructor(object_id) { this.object_id = object_id; }
}

class PackedArray extends Array {
  static get [Symbol.species]() { return Array; } // what map() and filter() make is an Array
}
export class PackedStringArray extends PackedArray {}
export class PackedVector2Array extends PackedArray {}
export class PackedVector3Array extends PackedArray {}
export class PackedVector4Array extends PackedArray {}
export class PackedColorArray extends PackedArray {}

/**
 * A Map with Godot's idea of keys: a StringName is the same key as its text (and is sent as StringName again), and
 * equal Floats are one key, another one than the int. Vectors and containers are found by identity, as in every Map.
 */
export class Dictionary extends Map {
  /** @type {Set<string>} */
  #names = new Set(); // the texts that are StringNames
  /** @type {Map<number, Float>} */
  #floats = new Map();

  /** @param {Iterable<[Variant, Variant]>} [entries] */
  constructor(entries = []) {
    super();
    for (const [key, value] of entries) this.set(key, value);
  }

  /** @param {Variant} key */
  #key(key) {
    if (key instanceof StringName) return key.name;
    if (key instanceof Float) return this.#floats.get(key.value) ?? key;
    return key;
  }

  get(key) { return super.get(this.#key(key)); }
  has(key) { return super.has(this.#key(key)); }

  set(key, value) {
    const at = this.#key(key);
    if (key instanceof StringName && !super.has(at)) this.#names.add(at);
    if (key instanceof Float) this.#floats.set(key.value, at);
    return super.set(at, value);
  }

  delete(key) {
    const at = this.#key(key);
    this.#names.delete(at);
    if (key instanceof Float) this.#floats.delete(key.value);
    return super.delete(at);
  }

  clear() {
    this.#names?.clear();
    this.#floats?.clear();
    super.clear();
  }

  /** Whether this text is a StringName. @param {string} key */
  is_string_name(key) { return this.#names.has(key); }
}

// ---- Types ----

const NIL = 0, BOOL = 1, INT = 2, FLOAT = 3, STRING = 4, VECTOR2 = 5, VECTOR2I = 6, RECT2 = 7, RECT2I = 8, VECTOR3 = 9,
  VECTOR3I = 10, TRANSFORM2D = 11, VECTOR4 = 12, VECTOR4I = 13, PLANE = 14, QUATERNION = 15, AABB_ = 16, BASIS = 17,
  TRANSFORM3D = 18, PROJECTION = 19, COLOR = 20, STRING_NAME = 21, NODE_PATH = 22, RID_ = 23, OBJECT = 24,
  CALLABLE = 25, SIGNAL = 26, DICTIONARY = 27, ARRAY = 28, PACKED_BYTE_ARRAY = 29, PACKED_INT32_ARRAY = 30,
  PACKED_INT64_ARRAY = 31, PACKED_FLOAT32_ARRAY = 32, PACKED_FLOAT64_ARRAY = 33, PACKED_STRING_ARRAY = 34,
  PACKED_VECTOR2_ARRAY = 35, PACKED_VECTOR3_ARRAY = 36, PACKED_COLOR_ARRAY = 37, PACKED_VECTOR4_ARRAY = 38, TYPES = 39;

const WIDE = 0x10000; // in a header: 64 bits
const DEPTH_MAX = 1024;
const BYTE_ORDER_MARK = 0xfeff;
const OBJECT_CLASS = "EncodedObjectAsID";
const KIND_SHIFT = 16, VALUE_KIND_SHIFT = 18, KIND_MASK = 3;
const KIND_NONE = 0, KIND_BUILTIN = 1, KIND_CLASS = 2;
const NEW_FORM = 0x80000000, ABSOLUTE = 1, ONE_SUBNAME_MORE = 2; // in a NodePath

// How typed containers that were received are typed: the types of their elements, or of keys and values.
const ELEMENT_TYPES = Symbol("element types");

const REAL = -1, INTEGER = -2;

/** What compound types are made of, by type. @type {{make: any, fields: [string, number][], size: number}[]} */
const COMPOUNDS = [];
/** @type {Map<Function, number>} */
const TYPE_OF_CLASS = new Map();

/** @param {number} type @param {any} make the class @param {any[]} names of fields @param {number} [part] their type */
function compound(type, make, names, part) {
  /** @type {[string, number][]} */
  const fields = names.map((name) => Array.isArray(name) ? /** @type {any} */ (name) : [name, part]);
  const size = fields.reduce((sum, [, of]) => sum + (of < 0 ? 1 : COMPOUNDS[of].size), 0); // in numbers
  COMPOUNDS[type] = { make, fields, size };
  TYPE_OF_CLASS.set(make, type);
}

compound(VECTOR2, Vector2, ["x", "y"], REAL);
compound(VECTOR2I, Vector2i, ["x", "y"], INTEGER);
compound(VECTOR3, Vector3, ["x", "y", "z"], REAL);
compound(VECTOR3I, Vector3i, ["x", "y", "z"], INTEGER);
compound(VECTOR4, Vector4, ["x", "y", "z", "w"], REAL);
compound(VECTOR4I, Vector4i, ["x", "y", "z", "w"], INTEGER);
compound(QUATERNION, Quaternion, ["x", "y", "z", "w"], REAL);
compound(COLOR, Color, ["r", "g", "b", "a"], REAL);
compound(RECT2, Rect2, ["position", "size"], VECTOR2);
compound(RECT2I, Rect2i, ["position", "size"], VECTOR2I);
compound(AABB_, AABB, ["position", "size"], VECTOR3);
compound(PLANE, Plane, [["normal", VECTOR3], ["d", REAL]]);
compound(TRANSFORM2D, Transform2D, ["x", "y", "origin"], VECTOR2);
compound(BASIS, Basis, ["x", "y", "z"], VECTOR3);
compound(TRANSFORM3D, Transform3D, [["basis", BASIS], ["origin", VECTOR3]]);
compound(PROJECTION, Projection, ["x", "y", "z", "w"], VECTOR4);

/** @type {Record<number, any>} */
const BUFFERS = {
  [PACKED_INT32_ARRAY]: Int32Array, [PACKED_INT64_ARRAY]: BigInt64Array,
  [PACKED_FLOAT32_ARRAY]: Float32Array, [PACKED_FLOAT64_ARRAY]: Float64Array,
};
/** @type {Record<number, {make: any, element: number}>} */
const LISTS = {
  [PACKED_VECTOR2_ARRAY]: { make: PackedVector2Array, element: VECTOR2 },
  [PACKED_VECTOR3_ARRAY]: { make: PackedVector3Array, element: VECTOR3 },
  [PACKED_VECTOR4_ARRAY]: { make: PackedVector4Array, element: VECTOR4 },
  [PACKED_COLOR_ARRAY]: { make: PackedColorArray, element: COLOR },
};

/** @type {[any, number][]} */
const CLASSES = [
  [Float, FLOAT], [StringName, STRING_NAME], [NodePath, NODE_PATH], [RID, RID_], [EncodedObjectAsID, OBJECT],
  [Callable, CALLABLE], [Signal, SIGNAL], [Dictionary, DICTIONARY], [Map, DICTIONARY], [Array, ARRAY],
  [Uint8Array, PACKED_BYTE_ARRAY], [PackedStringArray, PACKED_STRING_ARRAY],
];
for (const [constructor, type] of CLASSES) TYPE_OF_CLASS.set(constructor, type);
for (const type in BUFFERS) TYPE_OF_CLASS.set(BUFFERS[type], Number(type));
for (const type in LISTS) TYPE_OF_CLASS.set(LISTS[type].make, Number(type));

/** @param {unknown} value */
function describe(value) {
  if (value === null) return "null";
  if (typeof value === "object") return `a ${value.constructor?.name ?? "object"}`;
  return typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
}

/** The type of what is not a plain value. @param {any} value */
function type_of_object(value) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return DICTIONARY;
  return TYPE_OF_CLASS.get(prototype.constructor);
}

// ---- Encoding ----

class Encoder {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;
  /** Where in the value it is, for texts of errors. @type {string[]} */
  #path = [];

  /** @param {number} error @param {string} what @returns {never} */
  #fail(error, what) {
    throw new VariantError(error, this.#path.length ? `at ${this.#path.join("").replace(/^\./, "")}: ${what}` : what);
  }

  /** @param {number} size @returns {number} where they begin */
  #reserve(size) {
    const at = this.#size;
    this.#size += size;
    if (this.#size > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#size, 2 * this.#bytes.length));
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return at;
  }

  u32(value) { const at = this.#reserve(4); this.#view.setUint32(at, value, true); }
  i64(value) { const at = this.#reserve(8); this.#view.setBigInt64(at, value, true); }

  result() { return this.#bytes.slice(0, this.#size); }

  #raw(bytes) {
    const at = this.#reserve(bytes.length + (-bytes.length & 3));
    this.#bytes.set(bytes, at);
  }

  /** @param {unknown} text */
  #text(text, terminated = false) {
    if (typeof text !== "string") this.#fail(ERR_INVALID_DATA, `text expected, got ${describe(text)}`);
    if (/\p{Surrogate}|\0/u.test(text)) {
      this.#fail(ERR_INVALID_DATA, "a text with half a character or a NUL in it: use a Uint8Array");
    }
    const bytes = text_encoder.encode(terminated ? text + "\0" : text);
    this.u32(bytes.length);
    this.#raw(bytes);
  }

  #int(value) {
    if (value >= -0x80000000 && value <= 0x7fffffff) {
      this.u32(INT);
      this.u32(Number(value));
      return;
    }
    value = BigInt(value);
    if (value !== BigInt.asIntN(64, value)) this.#fail(ERR_INVALID_DATA, "an integer of more than 64 bits");
    this.u32(INT | WIDE);
    this.i64(value);
  }

  #float(value) {
    const narrow = Math.fround(value) === value;
    this.u32(narrow ? FLOAT : FLOAT | WIDE);
    const at = this.#reserve(narrow ? 4 : 8);
    if (narrow) this.#view.setFloat32(at, value, true);
    else this.#view.setFloat64(at, value, true);
  }

  #number(value) {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.#int(value);
    else this.#float(value);
  }

  /** An id of 64 bits, whatever its sign. */
  #id(id) {
    if (typeof id !== "bigint" && !Number.isSafeInteger(id)) {
      this.#fail(ERR_INVALID_DATA, `an id expected, got ${describe(id)}`);
    }
    this.i64(BigInt.asIntN(64, BigInt(id)));
  }

  #part(type, value) {
    if (type >= 0) {
      const { make } = COMPOUNDS[type];
      if (!(value instanceof make)) this.#fail(ERR_INVALID_DATA, `a ${make.name} expected, got ${describe(value)}`);
      this.#compound(type, value);
      return;
    }
    if (typeof value !== "number") this.#fail(ERR_INVALID_DATA, `a number expected, got ${describe(value)}`);
    if (type === INTEGER && value !== (value | 0)) {
      this.#fail(ERR_INVALID_DATA, `an integer of 32 bits expected, got ${value}`);
    }
    const at = this.#reserve(4);
    if (type === INTEGER) this.#view.setInt32(at, value, true);
    else this.#view.setFloat32(at, value, true);
  }

  #compound(type, value) {
    if (type === BASIS) { // its columns go out row by row
      for (const row of ["x", "y", "z"]) {
        for (const column of ["x", "y", "z"]) {
          this.#at(`.${column}.${row}`, () => this.#part(REAL, value[column]?.[row]));
        }
      }
      return;
    }
    for (const [field, part] of COMPOUNDS[type].fields) this.#at(`.${field}`, () => this.#part(part, value[field]));
  }

  #at(step, encode) {
    this.#path.push(step);
    encode();
    this.#path.pop();
  }

  #node_path(path) {
    this.u32((path.names.length | NEW_FORM) >>> 0);
    this.u32(path.subnames.length);
    this.u32(path.absolute ? ABSOLUTE : 0);
    for (const name of path.names) this.#text(name);
    for (const name of path.subnames) this.#text(name);
  }

  /** The header and the types of a container. @param {(number | undefined)[]} elements */
  #container(type, elements) {
    let header = type;
    elements.forEach((element, i) => {
      const kind = element === undefined ? KIND_NONE : element === OBJECT ? KIND_CLASS : KIND_BUILTIN;
      header |= kind << KIND_SHIFT + 2 * i;
    });
    this.u32(header);
    for (const element of elements) {
      if (element === OBJECT) this.#text(OBJECT_CLASS);
      else if (element !== undefined) this.u32(element);
    }
  }

  #array(array, depth) {
    const [element] = array[ELEMENT_TYPES] ?? [];
    this.#container(ARRAY, [element]);
    this.u32(array.length);
    for (let i = 0; i < array.length; i++) this.#at(`[${i}]`, () => this.value(array[i], depth + 1, element));
  }

  #dictionary(value, depth) {
    const [of_key, of_value] = value[ELEMENT_TYPES] ?? [];
    this.#container(DICTIONARY, [of_key, of_value]);
    const entries = value instanceof Map ? [...value] : Object.entries(value);
    this.u32(entries.length);
    for (const [key, item] of entries) {
      const is_name = value instanceof Dictionary && typeof key === "string" && value.is_string_name(key);
      this.#at(`.${String(key)}`, () => {
        this.value(key, depth + 1, is_name ? STRING_NAME : of_key);
        this.value(item, depth + 1, of_value);
      });
    }
  }

  #packed(type, value) {
    this.u32(type);
    this.u32(value.length);
    if (type === PACKED_STRING_ARRAY) {
      for (let i = 0; i < value.length; i++) this.#at(`[${i}]`, () => this.#text(value[i], true));
    } else if (LISTS[type]) {
      const { element } = LISTS[type];
      for (let i = 0; i < value.length; i++) this.#at(`[${i}]`, () => this.#part(element, value[i]));
    } else {
      this.#raw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
  }

  /** @param {Variant} value @param {number} depth @param {number} [wanted] the type that the container is for */
  value(value, depth, wanted) {
    if (depth > DEPTH_MAX) {
      this.#path.length = 0; // too long to be of use
      this.#fail(ERR_OUT_OF_MEMORY, `nested deeper than ${DEPTH_MAX}, or in itself`);
    }
    switch (typeof value) {
      case "boolean": this.u32(BOOL); this.u32(value ? 1 : 0); return;
      case "number": wanted === FLOAT ? this.#float(value) : this.#number(value); return;
      case "bigint": this.#int(value); return;
      case "string": this.u32(wanted === STRING_NAME ? STRING_NAME : STRING); this.#text(value); return;
      case "object": break;
      default: this.#fail(ERR_INVALID_DATA, describe(value));
    }
    if (value === null) { this.u32(NIL); return; }
    const type = type_of_object(value);
    switch (type) {
      case undefined: return this.#fail(ERR_INVALID_DATA, describe(value));
      case FLOAT: return this.#float(value.value);
      case ARRAY: return this.#array(value, depth);
      case DICTIONARY: return this.#dictionary(value, depth);
      case STRING_NAME: this.u32(type); return this.#text(value.name);
      case NODE_PATH: this.u32(type); return this.#node_path(value);
      case RID_: this.u32(type); return this.#id(value.id);
      case OBJECT: this.u32(type | WIDE); return this.#id(value.object_id);
      case CALLABLE: return this.u32(type);
      case SIGNAL: this.u32(type); this.#text(value.name); return this.#id(value.object_id);
    }
    if (!COMPOUNDS[type]) return this.#packed(type, value);
    this.u32(type);
    this.#compound(type, value);
  }
}

/**
 * The bytes that Godot's bytes_to_var() and get_var() take.
 * @param {Variant} value
 * @returns {Uint8Array}
 * @throws {VariantError} for what is no Variant
 */
export function var_to_bytes(value) {
  const encoder = new Encoder();
  encoder.value(value, 0);
  return encoder.result();
}

// ---- Decoding ----

/** An element of a typed container, converted as Godot does; undefined if it has to be left out. */
function convert(value, type, wanted) {
  if (wanted === undefined || type === wanted || wanted === OBJECT && type === NIL) return value;
  if (wanted === INT && type === FLOAT) {
    if (!(value > -9.2e18 && value < 9.2e18)) return -(2n ** 63n);
    return Number.isSafeInteger(Math.trunc(value)) ? Math.trunc(value) + 0 : BigInt(Math.trunc(value));
  }
  if (wanted === INT && type === BOOL) return value ? 1 : 0;
  if (wanted === FLOAT && type === INT) return Number(value);
  if (wanted === STRING && type === STRING_NAME) return value.name;
  if (wanted === STRING_NAME && type === STRING) return new StringName(value);
  return undefined;
}

class Decoder {
  #bytes;
  #view;
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @param {number} error @returns {never} */
  #fail(error, what = "not a well-formed Variant") {
    throw new VariantError(error, `${what}, at byte ${this.#at} of ${this.#bytes.length}`);
  }

  get #left() { return this.#bytes.length - this.#at; }

  /** @param {number} size @returns {number} where they begin */
  #take(size, error = ERR_INVALID_DATA) {
    if (size > this.#left) this.#fail(error);
    const at = this.#at;
    this.#at += size;
    return at;
  }

  #u32() { return this.#view.getUint32(this.#take(4), true); }
  #i32() { return this.#view.getInt32(this.#take(4), true); }
  #i64() { return this.#view.getBigInt64(this.#take(8), true); }
  #real(wide) {
    return wide ? this.#view.getFloat64(this.#take(8), true) : this.#view.getFloat32(this.#take(4), true);
  }

  /** A count of elements that are this long at least. */
  #count(size) {
    const count = this.#u32();
    if (count > this.#left / size) this.#fail(ERR_INVALID_DATA);
    return count;
  }

  #text() {
    const length = this.#u32();
    const padded = length + (-length & 3);
    const at = this.#take(padded, ERR_FILE_EOF);
    let bytes = this.#bytes.subarray(at, at + length);
    const end = bytes.indexOf(0);
    if (end >= 0) bytes = bytes.subarray(0, end);
    try {
      const text = text_decoder.decode(bytes);
      return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
    } catch {
      return this.#fail(ERR_INVALID_DATA, "a text that is not UTF-8");
    }
  }

  #int(wide) {
    if (!wide) return this.#i32();
    const value = this.#i64();
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  /** The numbers of a compound type; doubles of other builds are rounded, as Godot does. */
  #compound(type, wide) {
    const { make, fields } = COMPOUNDS[type];
    if (type === COLOR) wide = false; // always floats
    const value = new make();
    if (type === BASIS) {
      for (const row of ["x", "y", "z"]) {
        for (const column of ["x", "y", "z"]) value[column][row] = Math.fround(this.#real(wide));
      }
      return value;
    }
    for (const [field, part] of fields) {
      value[field] = part === REAL ? Math.fround(this.#real(wide))
        : part === INTEGER ? this.#i32() : this.#compound(part, wide);
    }
    return value;
  }

  #packed(type, wide) {
    if (type === PACKED_STRING_ARRAY) {
      const strings = new PackedStringArray();
      const count = this.#i32(); // a negative one is no element at all
      for (let i = 0; i < count; i++) strings.push(this.#text());
      return strings;
    }
    if (type === PACKED_BYTE_ARRAY) {
      const size = this.#count(1);
      const at = this.#take(size);
      this.#at += Math.min(-size & 3, this.#left); // at the very end the padding may be missing
      return this.#bytes.slice(at, at + size);
    }
    if (LISTS[type]) {
      const { make, element } = LISTS[type];
      const count = this.#count(COMPOUNDS[element].size * (wide && element !== COLOR ? 8 : 4));
      const list = new make();
      for (let i = 0; i < count; i++) list.push(this.#compound(element, wide));
      return list;
    }
    const make = BUFFERS[type];
    const size = make.BYTES_PER_ELEMENT;
    const length = this.#count(size) * size;
    const at = this.#take(length);
    // Machines with browsers are little-endian, as Variants are.
    return new make(this.#bytes.slice(at, at + length).buffer);
  }

  #names(count) {
    const names = [];
    if (count > this.#left / 4) this.#fail(ERR_INVALID_DATA);
    for (let i = 0; i < count; i++) names.push(this.#text());
    return names;
  }

  #node_path() {
    const names = this.#u32(), subnames = this.#u32(), flags = this.#u32();
    if (names < NEW_FORM) this.#fail(ERR_INVALID_DATA);
    const path = new NodePath();
    path.names = this.#names(names - NEW_FORM);
    path.subnames = this.#names(subnames + (flags & ONE_SUBNAME_MORE ? 1 : 0));
    path.absolute = (flags & ABSOLUTE) !== 0;
    return path;
  }

  #object(id_only) {
    if (!id_only) this.#fail(ERR_UNAUTHORIZED, "an object, and objects are not allowed");
    const id = this.#i64();
    return id === 0n ? null : new EncodedObjectAsID(id);
  }

  /** The type of a container's elements: undefined for any. */
  #element_type(header, shift) {
    const kind = header >>> shift & KIND_MASK;
    if (kind === KIND_NONE) return undefined;
    if (kind !== KIND_BUILTIN) { // classes are not known here
      this.#text();
      return OBJECT;
    }
    const type = this.#u32();
    if (type >= TYPES) this.#fail(ERR_INVALID_DATA);
    return type === NIL ? undefined : type;
  }

  /** Of containers the top bit may be set, which meant something once. */
  #container_count(size) {
    const count = this.#u32() & 0x7fffffff;
    if (count > this.#left / size) this.#fail(ERR_INVALID_DATA);
    return count;
  }

  /** An element, or undefined if it does not fit. */
  #element(wanted, depth) {
    const type = this.#left ? this.#bytes[this.#at] : NIL;
    return convert(this.value(depth + 1), type, wanted);
  }

  #array(header, depth) {
    const element = this.#element_type(header, KIND_SHIFT);
    const count = this.#container_count(4);
    const array = [];
    for (let i = 0; i < count; i++) {
      const value = this.#element(element, depth);
      if (value !== undefined) array.push(value);
    }
    return typed(array, [element]);
  }

  #dictionary(header, depth) {
    const of_key = this.#element_type(header, KIND_SHIFT), of_value = this.#element_type(header, VALUE_KIND_SHIFT);
    const count = this.#container_count(8);
    const dictionary = new Dictionary();
    for (let i = 0; i < count; i++) {
      const type = of_key ?? (this.#left ? this.#bytes[this.#at] : NIL);
      let key = this.#element(of_key, depth);
      // A whole float would be the same key as the int.
      if (type === FLOAT && (Number.isInteger(key) || Number.isNaN(key))) key = new Float(key);
      const value = this.#element(undefined, depth);
      if (key !== undefined) dictionary.set(key, value);
    }
    return typed(dictionary, [of_key, of_value]);
  }

  /** @param {number} depth @returns {Variant} */
  value(depth) {
    if (depth > DEPTH_MAX) this.#fail(ERR_OUT_OF_MEMORY, "nested too deep");
    const header = this.#u32();
    const type = header & 0xff;
    const wide = (header & WIDE) !== 0;
    switch (type) {
      case NIL: return null;
      case BOOL: return this.#u32() !== 0;
      case INT: return this.#int(wide);
      case FLOAT: return this.#real(wide);
      case STRING: return this.#text();
      case STRING_NAME: return new StringName(this.#text());
      case NODE_PATH: return this.#node_path();
      case RID_: return new RID(this.#i64());
      case OBJECT: return this.#object(wide);
      case CALLABLE: return new Callable();
      case SIGNAL: return new Signal(this.#text(), this.#i64());
      case DICTIONARY: return this.#dictionary(header, depth);
      case ARRAY: return this.#array(header, depth);
    }
    if (type >= TYPES) this.#fail(ERR_INVALID_DATA);
    return COMPOUNDS[type] ? this.#compound(type, wide) : this.#packed(type, wide);
  }
}

/** Remembers the types for sending it on. */
function typed(container, elements) {
  if (elements.some((element) => element !== undefined)) {
    Object.defineProperty(container, ELEMENT_TYPES, { value: elements });
  }
  return container;
}

/**
 * The value of bytes that Godot's var_to_bytes() or put_var() made. What is behind it is ignored.
 * @param {Uint8Array | ArrayBuffer} bytes
 * @returns {Variant}
 * @throws {VariantError} for what is none
 */
export function bytes_to_var(bytes) {
  return new Decoder(as_bytes(bytes)).value(0);
}

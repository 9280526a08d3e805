// The arena in a browser: joins the server that this page came from. The messages are told in ../love-arena/server.lua.
import { CONNECT_ONE_SHOT, Float, OK, WebSocketMultiplayerPeer, bytes_to_var } from "./wsmultiplayer.js";

const RADIUS = 18; // of a player
const DELAY = 0.1; // seconds that others are shown in the past, so that there is always a state to move to
const STEER_INTERVAL = 1 / 30; // the server takes no more
const WELCOME_TIMEOUT = 5; // seconds from "join" to "welcome"
const SILENCE = 10; // seconds without a word after which the server is given up
const PULL = 6; // how fast one's own shown place nears the server's: by this part of the distance a second
const JUMP = 80; // units of distance at which it is not neared but taken
const BUBBLE = 5; // seconds that a line of chat is shown above who said it

const now = () => performance.now() / 1000;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const are_numbers = (...values) => values.every((value) => typeof value === "number");
const colour_of = (hue, alpha = 1) => `hsl(${(hue * 360).toFixed(1)} 80% 60% / ${alpha})`; // as in LÖVE

// ---- The game, without drawing ----

/** Status "out", "connecting", "joining" (the server has not said "welcome" yet) or "in". */
class Arena {
  status = "out";
  width = 960;
  height = 540;
  speed = 240;
  /** By id: {id, name, hue, x, y, vx, vy, ...}; without x until the first state. */
  players = new Map();
  id = 0;
  received_at = 0;
  #peer = new WebSocketMultiplayerPeer();
  #states = []; // {time, places: Map of id to [x, y]}
  #delay_of_states = undefined; // how far this clock is from the server's, and the fastest delivery
  #wanted = [0, 0];
  #sent = [0, 0];
  #sent_at = 0;
  #placed_at = 0;
  #timer = undefined;
  #refusal = "";
  #told;

  /** @param {{changed(): void, chat(player: any, name: string, text: string): void, out(why: string): void}} told */
  constructor(told) {
    this.#told = told;
    this.#peer.packet.connect((bytes) => this.#receive(bytes));
    this.#peer.connection_failed.connect((why) => this.#out(why));
    this.#peer.peer_disconnected.connect(() => {
      this.#out(this.#refusal
        ? `The server says: ${this.#refusal}`
        : `The server went away: ${this.#peer.get_last_error()}`);
    });
    setInterval(() => this.#look_at_clock(), 500);
  }

  join(url, name) {
    this.leave();
    this.#states = [];
    this.#delay_of_states = undefined;
    this.#wanted = [0, 0];
    this.#sent = [0, 0];
    this.#refusal = "";
    this.#peer.peer_connected.connect(() => {
      this.#set_status("joining");
      this.received_at = now();
      this.#peer.put_var(["join", name]);
    }, CONNECT_ONE_SHOT);
    if (this.#peer.create_client(url) === OK) this.#set_status("connecting");
    else this.#out(this.#peer.get_last_error());
  }

  leave() {
    for (const callable of this.#peer.peer_connected.get_connections()) this.#peer.peer_connected.disconnect(callable);
    this.#peer.close();
    clearTimeout(this.#timer);
    this.players.clear();
    this.#set_status("out");
  }

  say(text) {
    if (this.status === "in") this.#peer.put_var(["chat", text]);
  }

  /** The wanted direction: at most 1 long. */
  steer(dx, dy) {
    if (this.status !== "in") return;
    const length = Math.max(Math.hypot(dx, dy), 1);
    this.#wanted = [dx / length, dy / length];
    this.#send_direction();
  }

  #send_direction() {
    const [dx, dy] = this.#wanted;
    clearTimeout(this.#timer);
    if (this.status !== "in" || dx === this.#sent[0] && dy === this.#sent[1]) return;
    const wait = this.#sent_at + STEER_INTERVAL - now();
    if (wait <= 0 && this.#peer.put_var(["move", new Float(dx), new Float(dy)]) === OK) {
      this.#sent = [dx, dy];
      this.#sent_at = now();
    } else {
      this.#timer = setTimeout(() => this.#send_direction(), Math.max(wait, STEER_INTERVAL / 2) * 1000);
    }
  }

  #set_status(status) {
    this.status = status;
    this.#told.changed();
  }

  #out(why) {
    this.leave();
    this.#told.out(why);
  }

  // Who lost the network is not told so.
  #look_at_clock() {
    const silence = now() - this.received_at;
    if (this.status === "joining" && silence > WELCOME_TIMEOUT) {
      this.#out("The server does not say welcome: perhaps it is no arena.");
    } else if (this.status === "in" && silence > SILENCE) {
      this.#out(`The server went away: not a word for ${SILENCE} seconds.`);
    }
  }

  // It may be any server, so nothing is taken on trust.
  #receive(bytes) {
    let message;
    try {
      message = bytes_to_var(bytes);
    } catch {
      return;
    }
    if (!Array.isArray(message)) return;
    const [kind, ...rest] = message;
    if (kind === "welcome") this.#welcome(...rest);
    else if (kind === "player") this.#player(...rest);
    else if (kind === "gone") this.#gone(...rest);
    else if (kind === "state") this.#state(...rest);
    else if (kind === "chat") this.#chat(...rest);
    else if (kind === "refused") this.#refusal = String(rest[0] ?? "no reason given");
  }

  #welcome(id, width, height, speed) {
    if (this.status !== "joining" || !are_numbers(id, width, height, speed) || !(width > 0 && height > 0)) return;
    Object.assign(this, { id, width, height, speed, received_at: now() });
    this.#set_status("in");
  }

  #player(id, name, hue) {
    if (!are_numbers(id, hue) || typeof name !== "string") return;
    const colour = colour_of(hue);
    this.players.set(id, { id, name, hue, colour, vx: 0, vy: 0, gaze_x: 0, gaze_y: 0, line: "", said_at: 0 });
    this.#told.changed();
  }

  #gone(id) {
    if (this.players.delete(id)) this.#told.changed();
  }

  #chat(id, name, text) {
    if (!are_numbers(id) || typeof name !== "string" || typeof text !== "string") return;
    const player = this.players.get(id);
    if (player) Object.assign(player, { line: text, said_at: now() });
    this.#told.chat(player, name, text);
  }

  #state(milliseconds, list) {
    if (!are_numbers(milliseconds) || !(list instanceof Int32Array)) return;
    const time = milliseconds / 1000;
    const places = new Map();
    for (let i = 0; i + 2 < list.length; i += 3) places.set(list[i], [list[i + 1] / 16, list[i + 2] / 16]);
    this.received_at = now();
    if (time <= this.#states.at(-1)?.time) return;
    this.#states.push({ time, places });
    if (this.#states.length > 100) this.#states.splice(0, 50); // a page in the background draws nothing
    // The fastest delivery tells how far the clocks are apart. Slower ones count a little, since clocks drift.
    const delay = this.received_at - time;
    const known = this.#delay_of_states;
    this.#delay_of_states = known !== undefined && delay > known ? known + (delay - known) * 0.01 : delay;
  }

  /** Moves everybody to where they are to be shown at this moment. */
  place_players() {
    const time = now();
    const dt = Math.min(time - this.#placed_at, 0.25);
    this.#placed_at = time;
    const states = this.#states;
    if (states.length === 0) return;
    const shown_at = time - this.#delay_of_states - DELAY;
    while (states.length > 2 && states[1].time <= shown_at) states.shift();
    const [a, b = a] = states;
    const part = b === a ? 0 : clamp((shown_at - a.time) / (b.time - a.time), 0, 1);
    for (const player of this.players.values()) {
      if (player.id === this.id) {
        this.#show_self(player, time, dt);
        continue;
      }
      const to = b.places.get(player.id);
      const from = a.places.get(player.id) ?? to;
      if (to) this.#show(player, from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part, dt);
    }
  }

  #show(player, x, y, dt) {
    if (player.x !== undefined && dt > 0) {
      player.vx = (x - player.x) / dt;
      player.vy = (y - player.y) / dt;
    }
    player.x = x;
    player.y = y;
  }

  // Oneself does not wait: steering is shown at once, and the server's opinion pulls gently.
  #show_self(player, time, dt) {
    const place = this.#states.at(-1).places.get(this.id);
    if (!place) return;
    const [dx, dy] = [this.#wanted[0] * this.speed, this.#wanted[1] * this.speed];
    const since = Math.min(time - this.received_at, 0.2);
    const [tx, ty] = [place[0] + dx * since, place[1] + dy * since];
    if (player.x === undefined || Math.hypot(tx - player.x, ty - player.y) > JUMP) {
      this.#show(player, place[0], place[1], 0);
      return;
    }
    const part = 1 - Math.exp(-PULL * dt);
    const [x, y] = [player.x + dx * dt, player.y + dy * dt];
    this.#show(player, clamp(x + (tx - x) * part, RADIUS, this.width - RADIUS),
      clamp(y + (ty - y) * part, RADIUS, this.height - RADIUS), dt);
  }
}

// ---- Drawing ----

const canvas = document.getElementById("canvas");
const context = canvas.getContext("2d");
const stick = { pointer: undefined, x: 0, y: 0, dx: 0, dy: 0 }; // a finger that steers, in CSS pixels

function draw_floor(arena) {
  context.fillStyle = "#0e1220";
  context.beginPath();
  context.roundRect(0, 0, arena.width, arena.height, 14);
  context.fill();
  context.strokeStyle = "#191f31";
  context.lineWidth = 1;
  context.beginPath();
  for (let x = 60; x < arena.width; x += 60) context.moveTo(x, 0), context.lineTo(x, arena.height);
  for (let y = 60; y < arena.height; y += 60) context.moveTo(0, y), context.lineTo(arena.width, y);
  context.stroke();
  context.strokeStyle = "#35425c";
  context.lineWidth = 2;
  context.beginPath();
  context.roundRect(1, 1, arena.width - 2, arena.height - 2, 14);
  context.stroke();
}

function disc(x, y, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function draw_glow({ x, y, hue }) {
  const light = context.createRadialGradient(x, y, 0, x, y, 3.2 * RADIUS);
  for (let step = 0; step <= 4; step++) light.addColorStop(step / 4, colour_of(hue, 0.4 * (1 - step / 4) ** 2));
  disc(x, y, 3.2 * RADIUS, light);
}

function draw_player(player, is_self) {
  const { x, y, colour } = player;
  disc(x, y + 5, RADIUS, "rgb(0 0 0 / .35)");
  disc(x, y, RADIUS, colour);
  if (is_self) {
    context.strokeStyle = "#ffffff";
    context.lineWidth = 2.5;
    context.stroke();
  }
  // Eyes follow the movement, slowly enough not to tremble.
  const speed = Math.max(Math.hypot(player.vx, player.vy), 240);
  player.gaze_x += (player.vx / speed - player.gaze_x) * 0.2;
  player.gaze_y += (player.vy / speed - player.gaze_y) * 0.2;
  const [ex, ey] = [player.gaze_x, player.gaze_y];
  for (const side of [-1, 1]) {
    disc(x + side * 6 + ex * 4, y - 3 + ey * 4, 4.2, "#ffffff");
    disc(x + side * 6 + ex * 6, y - 3 + ey * 6, 2.1, "#10141f");
  }
}

function draw_name(player, arena) {
  context.font = "600 13px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  const above = player.y > arena.height - 50;
  context.fillStyle = "#e6eaf2";
  context.fillText(player.name, player.x, above ? player.y - RADIUS - 8 : player.y + RADIUS + 20);
}

function draw_bubble(player, arena) {
  if (!player.line || now() - player.said_at > BUBBLE) return;
  context.font = "13px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const letters = [...player.line];
  const text = letters.length > 40 ? letters.slice(0, 39).join("") + "…" : player.line;
  const width = context.measureText(text).width + 20;
  const x = clamp(player.x, width / 2 + 6, arena.width - width / 2 - 6);
  const y = player.y < 70 ? player.y + RADIUS + 46 : player.y - RADIUS - 26;
  context.fillStyle = "#f2f5fa";
  context.beginPath();
  context.roundRect(x - width / 2, y - 13, width, 26, 13);
  context.fill();
  context.fillStyle = "#10141f";
  context.fillText(text, x, y + 1);
}

function draw_stick() {
  context.strokeStyle = "rgb(255 255 255 / .35)";
  context.lineWidth = 2;
  context.beginPath();
  context.arc(stick.x, stick.y, 46, 0, 2 * Math.PI);
  context.stroke();
  disc(stick.x + stick.dx * 46, stick.y + stick.dy * 46, 20, "rgb(255 255 255 / .4)");
}

function draw(arena) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  // All of the world fits in, in the middle.
  const scale = Math.min(width / (arena.width + 16), height / (arena.height + 16));
  context.setTransform(scale, 0, 0, scale, (width - arena.width * scale) / 2, (height - arena.height * scale) / 2);
  draw_floor(arena);
  const shown = [...arena.players.values()].filter((player) => player.x !== undefined).sort((a, b) => a.y - b.y);
  for (const player of shown) draw_glow(player);
  for (const player of shown) draw_player(player, player.id === arena.id);
  for (const player of shown) draw_name(player, arena);
  for (const player of shown) draw_bubble(player, arena);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  if (stick.pointer !== undefined) draw_stick();
}

// ---- The page ----

const element = (id) => document.getElementById(id);
const name_field = element("name"), line_field = element("line"), log = element("log");

const STATUS = {
  out: ["out", () => "not connected"],
  connecting: ["waiting", () => `connecting to ${location.host}`],
  joining: ["waiting", () => "joining"],
  in: ["in", () => `${arena.players.size} ${arena.players.size === 1 ? "player" : "players"} on ${location.host}`],
};

function show_status() {
  const [mark, text] = STATUS[arena.status];
  element("status").className = mark;
  element("status").textContent = text();
  element("entrance").hidden = arena.status === "in";
  element("leave").hidden = arena.status !== "in";
  element("enter").disabled = name_field.disabled = arena.status === "connecting" || arena.status === "joining";
  for (const control of element("chat").elements) control.disabled = arena.status !== "in";
}

function show_players() {
  element("players").replaceChildren(...[...arena.players.values()].map((player) => {
    const item = document.createElement("li");
    item.textContent = player.name;
    item.classList.toggle("self", player.id === arena.id);
    item.style.setProperty("--colour", player.colour);
    return item;
  }));
}

function show_line(player, name, text) {
  const at_end = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
  const line = document.createElement("div");
  if (player) {
    const who = document.createElement("b");
    who.textContent = name;
    who.style.setProperty("--colour", player.colour);
    line.append(who, `: ${text}`);
  } else {
    line.className = "arena";
    line.textContent = text;
  }
  log.append(line);
  while (log.childElementCount > 200) log.firstElementChild.remove();
  if (at_end) log.scrollTop = log.scrollHeight;
}

function show_entrance(title, why, button) {
  element("title").textContent = title;
  element("why").textContent = why;
  element("enter").textContent = button;
}

const arena = new Arena({
  changed() {
    const was_hidden = element("entrance").hidden;
    show_status();
    show_players();
    if (element("entrance").hidden && !was_hidden) document.activeElement?.blur(); // the keys are for walking now
  },
  chat: show_line,
  out(why) {
    release_keys();
    show_entrance("The game is over here", why, "Join again");
    element("enter").focus();
  },
});

element("join").addEventListener("submit", (event) => {
  event.preventDefault();
  try {
    localStorage.setItem("arena name", name_field.value);
  } catch { /* not allowed here: then it is not remembered */ }
  element("why").textContent = "";
  arena.join(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`, name_field.value);
});

element("leave").addEventListener("click", () => {
  arena.leave();
  release_keys();
  show_entrance("Join the arena", "", "Join");
  name_field.focus();
});

element("chat").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = line_field.value.trim();
  if (text) arena.say(text);
  line_field.value = "";
  line_field.blur(); // back to walking
});

// By place on the keyboard, so that it fits the hand on any layout.
const KEYS = {
  ArrowLeft: [-1, 0], KeyA: [-1, 0], ArrowRight: [1, 0], KeyD: [1, 0],
  ArrowUp: [0, -1], KeyW: [0, -1], ArrowDown: [0, 1], KeyS: [0, 1],
};
const held = new Set();

function steer() {
  if (stick.pointer !== undefined) {
    arena.steer(stick.dx, stick.dy);
    return;
  }
  let dx = 0, dy = 0;
  for (const code of held) {
    dx += KEYS[code][0];
    dy += KEYS[code][1];
  }
  arena.steer(clamp(dx, -1, 1), clamp(dy, -1, 1));
}

function release_keys() {
  held.clear();
  stick.pointer = undefined;
  steer();
}

window.addEventListener("keydown", (event) => {
  if (event.target instanceof HTMLInputElement) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (arena.status !== "in" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof HTMLButtonElement && event.key === "Enter") return;
  if (event.key === "Enter") {
    event.preventDefault();
    line_field.focus();
  } else if (KEYS[event.code]) {
    event.preventDefault();
    held.add(event.code);
    steer();
  }
});
window.addEventListener("keyup", (event) => {
  if (held.delete(event.code)) steer();
});
// What is released elsewhere is not told here.
window.addEventListener("blur", release_keys);
line_field.addEventListener("focus", release_keys);

canvas.addEventListener("pointerdown", (event) => {
  if (arena.status !== "in" || stick.pointer !== undefined) return;
  canvas.setPointerCapture(event.pointerId);
  line_field.blur();
  Object.assign(stick, { pointer: event.pointerId, x: event.offsetX, y: event.offsetY, dx: 0, dy: 0 });
});
canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== stick.pointer) return;
  const [dx, dy] = [(event.offsetX - stick.x) / 46, (event.offsetY - stick.y) / 46];
  const length = Math.max(Math.hypot(dx, dy), 1);
  Object.assign(stick, { dx: dx / length, dy: dy / length });
  steer();
});
for (const kind of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(kind, (event) => {
    if (event.pointerId !== stick.pointer) return;
    stick.pointer = undefined;
    steer();
  });
}

function frame() {
  arena.place_players();
  draw(arena);
  requestAnimationFrame(frame);
}

try {
  name_field.value = localStorage.getItem("arena name") ?? "";
} catch { /* not allowed here */ }
show_status();
name_field.focus();
frame();

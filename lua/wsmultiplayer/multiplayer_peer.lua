--- WebSocketMultiplayerPeer: the C class, its signals, and how events reach their handlers.

local core = require "wsmultiplayer.core"
local poll = require "wsmultiplayer.poll"
local request = require "wsmultiplayer.request"
local signal = require "wsmultiplayer.signal"
local tasks = require "wsmultiplayer.tasks"
local waiting = require "wsmultiplayer.waiting"

local class = core.WebSocketMultiplayerPeer
local methods, fields = class.methods, class.fields

-- Where the emission that is under way is kept, among the peer's fields; no program can reach it there.
local DUE = 2

local DISCONNECTED = require("wsmultiplayer.constants").MultiplayerPeer.CONNECTION_DISCONNECTED

local SIGNALS = { "peer_connected", "peer_disconnected" }

local function new()
  local peer = class.new()
  local own = fields(peer)
  for _, name in ipairs(SIGNALS) do own[name] = signal.new(name) end
  return peer
end

local function judge(peer, head, ...)
  if head then request.judge(class, peer, head, ...) end
end

-- The next emission that is due: one that an error interrupted, else one for the next event.
local function next_emission(peer, own)
  if own[DUE] then return own[DUE] end
  local kind, id, code, reason, clean = class.next_event(peer)
  while kind == "request" do
    judge(peer, class.request(peer))
    kind, id, code, reason, clean = class.next_event(peer)
  end
  if kind == "peer_connected" then return signal.begin(own.peer_connected, id) end
  if kind then return signal.begin(own.peer_disconnected, id, code, reason, clean) end
end

local function deliver(peer)
  local own = fields(peer)
  local emission = next_emission(peer, own)
  while emission do
    own[DUE] = emission
    while signal.step(emission) do end -- luacheck: ignore 542
    if own[DUE] == emission then own[DUE] = nil end
    emission = next_emission(peer, own)
  end
end

--- Does what is due: accepts, reads, sends, and calls the handlers of signals. Waits at most `timeout` seconds for
-- something to happen; without it, not at all. An error in a handler is passed on with its traceback; what is still
-- to be told comes at the next poll.
-- @tparam[opt=0] number timeout seconds
function methods.poll(peer, timeout)
  timeout = poll.check_timeout(timeout)
  if fields(peer)[DUE] then timeout = nil end
  class.poll(peer, timeout)
  poll.protected(deliver, class.end_turn, peer)
end

signal.add_methods(methods, fields)

--- Whether it is connected or connecting, or still has something to tell.
function methods.is_active(peer)
  return peer:get_connection_status() ~= DISCONNECTED or fields(peer)[DUE] ~= nil
end

--- Seconds until poll is due, though pollfd() is not readable; nil: never. With pollfd() and events(), the protocol by
-- which cqueues waits for objects.
function methods.timeout(peer)
  if fields(peer)[DUE] then return 0 end
  return class.time_left(peer)
end

--- Waits for a signal, as Godot's await. In a task the others go on meanwhile; the main program polls everything.
-- @tparam string name of the signal
-- @tparam[opt] number timeout seconds
-- @return the signal's arguments; or nil and "timeout"; or nil, "closed" and why
function methods.wait(peer, name, timeout)
  local awaited = signal.named(fields(peer), name, "wait")
  tasks.check_timeout(timeout, 2, "wait")
  return waiting.for_signal(peer, awaited, timeout)
end

local function take(peer)
  if peer:get_available_packet_count() == 0 then return end
  local from = peer:get_packet_peer()
  local packet = peer:get_packet()
  if packet then return packet, from end
end

--- Waits for a packet and takes it, in the same way.
-- @tparam[opt] number timeout seconds
-- @return the packet and its sender's id; or nil and "timeout"; or nil, "closed" and why
function methods.receive(peer, timeout)
  tasks.check_timeout(timeout, 1, "receive")
  return waiting.until_(peer, take, timeout)
end

return { new = new, methods = methods }

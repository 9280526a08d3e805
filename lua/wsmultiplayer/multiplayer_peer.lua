--- WebSocketMultiplayerPeer: the C class, its signals, and how events reach their handlers.

local core = require "wsmultiplayer.core"
local poll = require "wsmultiplayer.poll"
local request = require "wsmultiplayer.request"
local signal = require "wsmultiplayer.signal"

local class = core.WebSocketMultiplayerPeer
local methods, fields = class.methods, class.fields

-- Where the emission that is under way is kept, among the peer's fields; no program can reach it there.
local DUE = 2

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
  poll.check_timeout(timeout)
  class.poll(peer, timeout)
  poll.protected(deliver, class.end_turn, peer)
end

local function check_signal(peer, name, method)
  for _, known in ipairs(SIGNALS) do
    if known == name then return peer[name] end
  end
  if type(name) ~= "string" then
    error(("bad argument #1 to '%s' (string expected, got %s)"):format(method, type(name)), 3)
  end
  error(("bad argument #1 to '%s' (there is no signal '%s')"):format(method, name), 3)
end

--- Object.connect: connects a function to a signal by its name; see Signal.connect for the results.
function methods.connect(peer, name, fn, flags) return check_signal(peer, name, "connect"):connect(fn, flags) end

--- The same under the name that many Lua libraries use.
function methods.on(peer, name, fn, flags) return check_signal(peer, name, "on"):connect(fn, flags) end

--- Object.disconnect
function methods.disconnect(peer, name, fn) return check_signal(peer, name, "disconnect"):disconnect(fn) end

--- Object.is_connected
function methods.is_connected(peer, name, fn)
  return check_signal(peer, name, "is_connected"):is_connected(fn)
end

return { new = new, methods = methods }

--- WebSocketPeer: the C class, and waiting for it.

local core = require "wsmultiplayer.core"
local poll = require "wsmultiplayer.poll"
local request = require "wsmultiplayer.request"
local states = require("wsmultiplayer.constants").WebSocketPeer
local tasks = require "wsmultiplayer.tasks"
local waiting = require "wsmultiplayer.waiting"

local class = core.WebSocketPeer
local methods = class.methods

local function check_own(peer)
  if class.is_borrowed(peer) then
    error("this WebSocketPeer belongs to a WebSocketMultiplayerPeer, which polls and reads it", 3)
  end
end

--- Does what is due: connects, reads, sends. Waits at most `timeout` seconds for something to happen; without it, not
-- at all.
-- @tparam[opt=0] number timeout seconds
function methods.poll(peer, timeout)
  check_own(peer)
  timeout = poll.check_timeout(timeout)
  class.poll(peer, timeout)
  poll.turn()
end

--- Whether it is anything but closed.
function methods.is_active(peer) return peer:get_ready_state() ~= states.STATE_CLOSED end

local function take(peer)
  if peer:get_available_packet_count() == 0 then return end
  local packet = peer:get_packet()
  if packet then return packet, peer:was_string_packet() end
end

--- Waits for a packet and takes it. In a task the others go on meanwhile; the main program polls everything.
-- @tparam[opt] number timeout seconds
-- @return the packet, and whether it is text; or nil and "timeout"; or nil, "closed" and why
function methods.receive(peer, timeout)
  check_own(peer)
  tasks.check_timeout(timeout, 1, "receive")
  return waiting.until_(peer, take, timeout)
end

--- Of a server's connection: the headers of the request that opened it, by names in lower case. Empty for a client.
-- @treturn table
function methods.get_request_headers(peer)
  local head = class.request_head(peer)
  return head and request.parse_headers(head) or {}
end

local function is_open(peer)
  if peer:get_ready_state() == states.STATE_OPEN then return true end
end

--- Waits until it is open, in the same way.
-- @tparam[opt] number timeout seconds
-- @return true; or nil and "timeout"; or nil, "closed" and why
function methods.wait_open(peer, timeout)
  check_own(peer)
  tasks.check_timeout(timeout, 1, "wait_open")
  return waiting.until_(peer, is_open, timeout)
end

return { new = class.new, methods = methods }

--- WebSocketServer: the C class, and its on_request hook. Not Godot's; shaped like Godot's TCPServer.

local core = require "wsmultiplayer.core"
local poll = require "wsmultiplayer.poll"
local request = require "wsmultiplayer.request"
local tasks = require "wsmultiplayer.tasks"
local waiting = require "wsmultiplayer.waiting"

local class = core.WebSocketServer
local methods = class.methods

local function judge_next(server, head, ...)
  if not head then return false end
  request.judge(class, server, head, ...)
  return true
end

local function judge_requests(server)
  repeat until not judge_next(server, class.next_request(server))
end

--- Serves all connections of the server, those that were taken too: accepts, reads, sends, and asks on_request and
-- on_http_request. Waits at most `timeout` seconds for something to happen; without it, not at all.
-- @tparam[opt=0] number timeout seconds
function methods.poll(server, timeout)
  timeout = poll.check_timeout(timeout)
  class.poll(server, timeout)
  poll.protected(judge_requests, class.end_turn, server)
end

--- Whether it is listening.
function methods.is_active(server) return server:is_listening() end

local function take(server)
  if server:is_connection_available() then return server:take_connection() end
end

--- Waits for a connection and takes it. In a task the others go on meanwhile; the main program polls everything.
-- @tparam[opt] number timeout seconds
-- @return a WebSocketPeer; or nil and "timeout"; or nil, "closed" and why
function methods.accept(server, timeout)
  tasks.check_timeout(timeout, 1, "accept")
  return waiting.until_(server, take, timeout)
end

return { new = class.new, methods = methods }

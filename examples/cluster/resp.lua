-- A connection to Redis: its protocol (RESP) over luasocket. It never makes a game wait: post() queues a command and
-- poll() moves what can be moved; a lost connection is made anew by itself. Where waiting is all right there is call().
--
--   local redis = resp.new("127.0.0.1:6379")
--   redis:post("SET", "key", "value")              nobody cares for the answer
--   local value, why = redis:call("GET", "key")    waits, at most redis.timeout seconds
--
-- Answers are strings, numbers and arrays (tables) of them; false is Redis' nil. An error is nil and a text.
local clock = require("wsmultiplayer").clock
local socket = require "socket"

local resp = {
  RETRY = 0.5,           -- seconds between two attempts to connect
  MAX_QUEUED = 1048576,  -- bytes that may wait for a Redis that does not read
}
resp.__index = resp

-- ---- The protocol

local function encode(...)
  local parts = { ("*%d\r\n"):format(select("#", ...)) }
  for i = 1, select("#", ...) do
    local word = tostring((select(i, ...)))
    parts[#parts + 1] = ("$%d\r\n%s\r\n"):format(#word, word)
  end
  return table.concat(parts)
end

-- The answer that begins at this byte, and where the next one begins; nothing as long as it is not there in full.
-- Redis' own errors are tables with `refused`.
local function decode(text, at)
  local line, after = text:match("^([^\r]*)\r\n()", at)
  if not line then return end
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "+" then return rest, after end
  if kind == "-" then return { refused = rest }, after end
  local number = tonumber(rest)
  if not number or not kind:find "[:$*]" then error("this is not Redis: " .. line, 0) end
  if kind == ":" then return number, after end
  if number < 0 then return false, after end
  if kind == "$" then
    if #text < after + number + 1 then return end
    return text:sub(after, after + number - 1), after + number + 2
  end
  local list = {}
  for i = 1, number do
    list[i], after = decode(text, after)
    if after == nil then return end
  end
  return list, after
end

-- ---- The connection

-- `address` is "HOST:PORT"; a host name is looked up by each attempt to connect, which waits: better a number.
function resp.new(address)
  local host, port = address:match "^(.+):(%d+)$"
  if not host then error("not an address of Redis: " .. address, 2) end
  return setmetatable({
    address = address, host = host, port = tonumber(port), timeout = 1,
    -- nil, "connecting" or "connected"; why not; when to try again
    state = nil, why = "not connected yet", next_attempt = 0,
    queue = {}, queued = 0, outbox = "", inbox = "", waiting = {}, first = 1, last = 0,
  }, resp)
end

function resp:lose(why)
  if self.socket then self.socket:close() end
  self.socket, self.state = nil, nil
  self.why = ("Redis at %s: %s"):format(self.address, why)
  self.next_attempt = clock() + resp.RETRY
  local waiting, first, last = self.waiting, self.first, self.last
  self.queue, self.queued, self.outbox, self.inbox = {}, 0, "", ""
  self.waiting, self.first, self.last = {}, 1, 0
  for i = first, last do
    if waiting[i] then waiting[i](nil, self.why) end
  end
end

function resp:connect()
  if not self.socket then
    if clock() < self.next_attempt then return end
    self.socket, self.state, self.since = socket.tcp(), "connecting", clock()
    self.socket:settimeout(0)
  end
  -- Asked again, it tells how the attempt went.
  local ok, why = self.socket:connect(self.host, self.port)
  if ok or why == "already connected" then
    self.socket:setoption("tcp-nodelay", true)
    self.state, self.why = "connected", nil
  elseif why ~= "timeout" and why ~= "Operation already in progress" then
    self:lose(why)
  elseif clock() - self.since > self.timeout then
    self:lose "no answer"
  end
end

function resp:is_connected() return self.state == "connected" end

-- Sends a command some time. Without a connection it is dropped, and false returned.
function resp:post(...) return self:request(nil, ...) end

function resp:request(on_answer, ...)
  if self.state ~= "connected" then return false end
  local command = encode(...)
  self.queued = self.queued + #command
  if #self.outbox + self.queued > resp.MAX_QUEUED then
    self:lose "does not read"
    return false
  end
  table.insert(self.queue, command)
  self.last = self.last + 1
  self.waiting[self.last] = on_answer or false
  return true
end

function resp:send()
  self.outbox = self.outbox .. table.concat(self.queue)
  self.queue, self.queued = {}, 0
  if self.outbox == "" then return end
  local sent, why, partly = self.socket:send(self.outbox)
  self.outbox = self.outbox:sub((sent or partly or 0) + 1)
  if why and why ~= "timeout" then self:lose(why) end
end

function resp:receive()
  local data, why, partly = self.socket:receive(65536)
  while data do
    self.inbox = self.inbox .. data
    data, why, partly = self.socket:receive(65536)
  end
  self.inbox = self.inbox .. (partly or "")
  self:deliver()
  if why ~= "timeout" and self.socket then self:lose(why) end
end

function resp:deliver()
  local at = 1
  while self.first <= self.last do
    local ok, answer, after = pcall(decode, self.inbox, at)
    if not ok then return self:lose(answer) end
    if not after then break end
    at = after
    local on_answer = self.waiting[self.first]
    self.waiting[self.first] = nil
    self.first = self.first + 1
    if on_answer then
      if type(answer) == "table" and answer.refused then
        on_answer(nil, "Redis says: " .. answer.refused)
      else
        on_answer(answer)
      end
    end
  end
  self.inbox = self.inbox:sub(at)
end

-- Does what can be done without waiting.
function resp:poll()
  if self.state ~= "connected" then self:connect() end
  if self.state == "connected" then self:send() end
  if self.state == "connected" then self:receive() end
end

-- Waits for the socket, and polls.
function resp:step(seconds)
  if not self.socket then return self:poll() end
  local wants_write = self.state == "connecting" or self.queued > 0 or self.outbox ~= ""
  socket.select({ self.socket }, wants_write and { self.socket } or nil, seconds)
  self:poll()
end

-- Sends a command and waits for its answer: that, or nil and why there is none. After a failure it does not even try
-- for a while, so that a hanging Redis does not hold up every single request.
function resp:call(...)
  local deadline = clock() + self.timeout
  self:poll()
  while self.state == "connecting" and clock() < deadline do self:step(deadline - clock()) end
  local done, answer, why
  local function on_answer(...) done, answer, why = true, ... end
  if not self:request(on_answer, ...) then return nil, self.why end
  while not done and clock() < deadline do self:step(deadline - clock()) end
  if not done then self:lose "no answer" end -- which calls on_answer
  return answer, why
end

return resp

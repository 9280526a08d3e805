-- python3-websockets as the other end: a process of its own, commanded over a TCP connection (see python_peer.py).
local socket = require "socket"
local wait = require "support.wait"

local python = {}

local Python = {}
Python.__index = Python

local here = debug.getinfo(1, "S").source:match("^@(.*)[/\\]python%.lua$") or "spec/support"

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function succeeds(command)
  local result = os.execute(command)
  return result == true or result == 0
end

-- A Python that can import websockets, or nil.
function python.find()
  for _, name in ipairs { os.getenv("PYTHON") or "python3", "python3", "/usr/bin/python3" } do
    if succeeds(quoted(name) .. " -c 'import websockets' >/dev/null 2>&1") then return name end
  end
  return nil
end

local function hex(text)
  if text == "" then return "-" end
  return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function unhex(word)
  if word == "-" then return "" end
  return (word:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- TLS options as a word: a table of texts, see python_peer.py.
local function tls_word(tls)
  local items = {}
  for key, text in pairs(tls or {}) do items[#items + 1] = key .. ":" .. hex(text) end
  return items[1] and table.concat(items, ",") or "-"
end

-- Starts the process; an error if there is no suitable Python.
function python.start()
  local name = python.find()
  if not name then error("no Python with the module 'websockets' (Debian: python3-websockets)", 2) end
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  local pipe = assert(io.popen(("exec %s %s %d 2>&1"):format(quoted(name), quoted(here .. "/python_peer.py"), port)))
  listener:settimeout(20)
  local control = listener:accept()
  listener:close()
  if not control then error("python_peer.py did not start: " .. (pipe:read("*a") or ""), 2) end
  control:settimeout(0)
  local self = setmetatable({ control = control, pipe = pipe, inbox = "", outbox = "", events = {} }, Python)
  self.version = self:event({}, "ready")[2]
  return self
end

function Python:pump()
  if #self.outbox > 0 then
    local last, err, partial = self.control:send(self.outbox)
    self.outbox = self.outbox:sub((last or partial or 0) + 1)
    if err == "closed" then error("python_peer.py has ended", 0) end
  end
  local pieces = { self.inbox }
  local ended
  repeat
    local data, err, partial = self.control:receive(65536)
    pieces[#pieces + 1] = data or partial
    ended = err == "closed"
  until err
  local text, at = table.concat(pieces), 1
  for line, next_at in text:gmatch("([^\n]*)\n()") do
    local event = {}
    for word in line:gmatch("%S+") do event[#event + 1] = word end
    self.events[#self.events + 1] = event
    at = next_at
  end
  self.inbox = text:sub(at)
  if ended and #self.events == 0 then error("python_peer.py has ended: " .. self.pipe:read("*a"), 0) end
end

function Python:command(...)
  self.outbox = self.outbox .. table.concat({ ... }, " ") .. "\n"
  self:pump()
end

-- The first event whose words begin with these, taken out of the order of others.
function Python:event(peers, ...)
  local wanted = { ... }
  local found
  wait.until_(function()
    self:pump()
    for i, event in ipairs(self.events) do
      local same = true
      for k, word in ipairs(wanted) do same = same and event[k] == tostring(word) end
      if same then
        found = table.remove(self.events, i)
        return found
      end
      if event[1] == "failed" then error("Python: " .. event[2] .. ": " .. unhex(event[3]), 0) end
    end
  end, peers, 15, "python: " .. table.concat(wanted, " "))
  return found
end

-- Connects to our server. Options: protocols (array), headers (array of lines), tls = { authorities, name, alpn,
-- version }. Follow with `opened`.
function Python:connect(name, url, options)
  options = options or {}
  self:command("connect", name, url, hex(table.concat(options.protocols or {}, ",")),
    hex(table.concat(options.headers or {}, "\n")), tls_word(options.tls))
end

-- Many clients at once; Python tells when all are open or have failed: see `crowded`.
function Python:crowd(name, count, url, tls)
  self:command("crowd", name, count, url, tls_word(tls))
end

-- How many of the crowd are open, and why others are not; nothing while that is still unknown.
function Python:crowded(name)
  self:pump()
  for i, event in ipairs(self.events) do
    if event[1] == "crowd" and event[2] == name then
      table.remove(self.events, i)
      return tonumber(event[3]), unhex(event[4])
    end
  end
end

-- Waits until `name` is open: its subprotocol, the headers that it received, and "VERSION ALPN SNI" of TLS.
function Python:opened(peers, name)
  local event = self:event(peers, "open", name)
  return unhex(event[3]), unhex(event[4]), unhex(event[5])
end

-- Serves on a free port, which is returned; a connection is called "NAME.1", the next "NAME.2".
-- Options: protocols (array), first (the bytes of the first message), tls = { certificate, key, alpn, version }.
function Python:serve(peers, name, options)
  options = options or {}
  self:command("serve", name, hex(table.concat(options.protocols or {}, ",")), hex(options.first or ""),
    tls_word(options.tls))
  return tonumber(self:event(peers, "serving", name)[3])
end

-- A server that answers a request with these bytes and then keeps still; without `bytes` it says nothing at all, and
-- with bytes == false it ends the connection. Gives the port.
function Python:answer(peers, name, bytes, tls)
  self:command("answer", name, bytes == false and "end" or hex(bytes or ""), tls_word(tls))
  return tonumber(self:event(peers, "serving", name)[3])
end

-- What comes over TLS to the port that is returned is decrypted and goes on to `to_port` of this machine, and back.
function Python:unwrap(peers, name, to_port, tls)
  self:command("unwrap", name, to_port, tls_word(tls))
  return tonumber(self:event(peers, "serving", name)[3])
end

-- verb is "binary", "text", "ping", or "raw" for bytes that go out as they are.
function Python:send(verb, name, payload)
  self:command(verb, name, hex(payload))
end

-- The payload of the next message (or pong) of this kind.
function Python:receive(peers, verb, name)
  return unhex(self:event(peers, verb, name)[3])
end

function Python:close_connection(name, code, reason)
  self:command("close", name, code, hex(reason or ""))
end

-- Waits for the end of a connection: code and reason as Python saw them.
function Python:closed(peers, name)
  local event = self:event(peers, "closed", name)
  return tonumber(event[3]), unhex(event[4])
end

-- Waits for the refusal of a connection attempt: Python's words.
function Python:refused(peers, name)
  return unhex(self:event(peers, "refused", name)[3])
end

-- Cuts all connections and servers, so that the next test begins anew.
function Python:stop(peers)
  self:command("stop")
  self:event(peers, "stopped")
  self.events = {}
end

function Python:close()
  if self.control then
    self.control:close()
    self.control = nil
    self.pipe:close()
  end
end

return python

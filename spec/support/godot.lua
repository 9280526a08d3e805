-- A real Godot 4 for the specs: starts the project in spec/godot, commands it over a
-- control connection, and hears from it what its peers say (see spec/godot/main.gd).
--
--   local engine = godot.start()
--   local server, client = engine:peer "lua", engine:peer "godot"
--   client:create_client(server:listen())
--   local id = server:expect("connected")[2]
--   server:put(id, "hello"); client:expect("packet", 1, "hello")
--   engine:reset(); engine:quit()
--
-- Peers of both kinds have the same methods, and the same record of what polling brought:
-- {"connected", id}, {"disconnected", id, close_code, close_reason, was_clean (Lua only)},
-- {"packet", from, data}, {"status", connection_status}. While something is awaited,
-- all Lua peers of the engine are polled, as Godot polls its own.
--
-- spec/support/godot_api.lua makes MultiplayerAPIs of both kinds for the same engine.
local socket = require "socket"

local unpack = table.unpack or unpack

local PATIENCE = 5 -- seconds for anything awaited
local START_PATIENCE = 30
local LIFETIME = 300 -- seconds after which Godot ends whatever happens

local CLEAN = "unset LD_PRELOAD; " -- a sanitizer loaded into us is not for Godot
local project = debug.getinfo(1, "S").source:match("^@(.*)support[/\\]godot%.lua$") .. "godot"

local godot = {}

local function shell_quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function output_of(command)
  local pipe = io.popen(command)
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- The shell text in front of the project's folder, or nil and why not.
local function find_command()
  local run, binary = os.getenv "GODOT_RUN", os.getenv "GODOT"
  if run and run ~= "" then return run end
  if not binary or binary == "" then
    binary = output_of("command -v godot4 || command -v godot"):match "^[^\n]+"
  end
  if not binary then return nil, "no Godot 4 found, set GODOT=/path/to/godot" end
  local version = output_of(CLEAN .. shell_quote(binary) .. " --headless --version 2>/dev/null </dev/null")
  if not version:match "^4%." then
    return nil, ("%s is not a Godot 4 that runs, set GODOT=/path/to/godot"):format(binary)
  end
  return shell_quote(binary) .. " --headless --path"
end

-- Nil where there is a Godot to start; else the text that says what is missing.
function godot.missing()
  local command, why = find_command()
  return not command and why or nil
end

-- Shell text that runs a project, with these words behind its folder.
function godot.command(folder, words)
  return CLEAN .. ("exec %s %s %s"):format(assert(find_command()), shell_quote(folder), words)
end

-- A value that is given in Godot's text form.
local Text = {}

function godot.text(text) return setmetatable({ text = text }, Text) end

-- A Lua value in Godot's text form (str_to_var).
local function literal(value)
  local kind = type(value)
  if kind == "string" then
    return '"' .. value:gsub('[\\"]', "\\%0") .. '"'
  elseif kind == "number" then
    return ("%.17g"):format(value)
  elseif kind == "table" then
    if getmetatable(value) == Text then return value.text end
    local items = {}
    for i, item in ipairs(value) do items[i] = literal(item) end
    return "PackedStringArray(" .. table.concat(items, ", ") .. ")"
  end
  return kind == "nil" and "null" or tostring(value)
end

local function command_literal(command)
  local items = {}
  for i = 1, command.n do items[i] = literal(command[i]) end
  return "[" .. table.concat(items, ", ") .. "]"
end

-- A scalar in JSON; anything else stays text.
local function result_of(json)
  if json == "null" then return nil end
  if json == "true" or json == "false" then return json == "true" end
  local text = json:match '^"(.*)"$'
  return text and text:gsub("\\(.)", "%1") or tonumber(json) or json
end

godot.literal = literal

local function to_hex(data)
  return (data:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function from_hex(hex)
  return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- An event of a peer as it is told on the control connection.
local function parse_event(line)
  local kind, id, rest = line:match "^%S+ (%S+) (%-?%d+) ?(.*)$"
  id = tonumber(id)
  if kind == "packet" then return { kind, id, from_hex(rest) } end
  if kind == "disconnected" then
    local code, reason = rest:match "^(%-?%d+) (.*)$"
    return { kind, id, tonumber(code), reason }
  end
  return { kind, id }
end

local function describe_event(event)
  local items = {}
  for i = 1, #event do
    local item = event[i]
    if type(item) == "string" and #item > 40 then item = item:sub(1, 40) .. ("... (%d bytes)"):format(#item) end
    items[i] = type(item) == "string" and i > 1 and ("%q"):format(item) or tostring(item)
  end
  return table.concat(items, " ")
end

godot.to_hex, godot.from_hex = to_hex, from_hex

function godot.free_port()
  local probe = assert(socket.bind("127.0.0.1", 0))
  local _, port = probe:getsockname()
  probe:close()
  return tonumber(port)
end

-- What peers of both kinds have.
local Peer = {}
godot.Peer = Peer

-- Waits for this peer's next event, which must have these leading fields; gives it.
function Peer:expect(...)
  local expected = { ... }
  local what = ("%s to tell: %s"):format(self.name, describe_event(expected))
  self.engine:wait(function() return self.events[1] end, what)
  local event = table.remove(self.events, 1)
  for i = 1, #expected do
    if event[i] ~= expected[i] then
      error(("expected %s, it told: %s"):format(what, describe_event(event)), 2)
    end
  end
  return event
end

-- Raises if this peer has told anything that was not expected.
function Peer:expect_nothing()
  if self.events[1] then
    error(("%s told what nobody expected: %s"):format(self.name, describe_event(self.events[1])), 2)
  end
end

-- Starts a server on a free port of this machine; gives the URL. `tls` is { key = PEM, certificate = PEM } or nil.
function Peer:listen(tls)
  local port = self:listen_somewhere(tls)
  self.port = port
  return ("%s:%d"):format(tls and "wss://localhost" or "ws://127.0.0.1", port)
end

local GodotPeer = setmetatable({ kind = "godot", parse_event = parse_event }, { __index = Peer })
-- Any other method is one of Godot's WebSocketMultiplayerPeer.
GodotPeer.__index = function(_, method)
  return GodotPeer[method] or Peer[method] or function(self, ...)
    return self.engine:run(self:command(method, ...))
  end
end

function GodotPeer:command(verb, ...)
  return { n = select("#", ...) + 2, self.name, verb, ... }
end

-- Calls several methods, {name, argument...}, without a poll in between; gives their results.
function GodotPeer:together(...)
  local commands = { ... }
  for i, call in ipairs(commands) do commands[i] = self:command(unpack(call)) end
  return self.engine:run(unpack(commands))
end

function GodotPeer:put(target, data) return self.engine:run(self:command("put", target, to_hex(data))) end

-- `tls` is { authorities = PEM or nil, name = what to verify instead of the host, unsafe = true }.
function GodotPeer:create_client_tls(url, tls)
  return self.engine:run(self:command("create_client_tls", url, to_hex(tls.authorities or ""), tls.name or "",
    tls.unsafe or false))
end

function GodotPeer:create_server_at(port, tls)
  if not tls then return self:create_server(port, "127.0.0.1") end
  return self.engine:run(self:command("create_server_tls", port, "127.0.0.1", to_hex(tls.key),
    to_hex(tls.certificate)))
end

function GodotPeer:listen_somewhere(tls)
  for _ = 1, 20 do
    local port = godot.free_port()
    if self:create_server_at(port, tls) == 0 then return port end
  end
  error "Godot found no free port"
end

local LuaPeer = setmetatable({ kind = "lua" }, { __index = Peer })
-- Any other method is one of our WebSocketMultiplayerPeer.
LuaPeer.__index = function(_, method)
  return LuaPeer[method] or Peer[method] or function(self, ...)
    return self.peer[method](self.peer, ...)
  end
end

function LuaPeer:together(...)
  local results = { n = select("#", ...) }
  for i, call in ipairs { ... } do results[i] = (self[call[1]](self, unpack(call, 2))) end
  return unpack(results, 1, results.n)
end

function LuaPeer:get(property) return self.peer[property] end

function LuaPeer:set(property, value) self.peer[property] = value end

function LuaPeer:put(target, data)
  self.peer:set_target_peer(target)
  return self.peer:put_packet(data)
end

function LuaPeer:put_var(target, value)
  self.peer:set_target_peer(target)
  return self.peer:put_var(value)
end

-- Numbered packets, as many as are taken; gives the first number not taken.
function LuaPeer:burst(target, first, last, size)
  self.peer:set_target_peer(target)
  for i = first, last do
    local number = ("%d"):format(i)
    if self.peer:put_packet(number .. ("."):rep(size - #number)) ~= 0 then return i end
  end
  return last + 1
end

function LuaPeer:connection(id, method, ...)
  local connection = assert(self.peer:get_peer(id))
  return connection[method](connection, ...)
end

function LuaPeer:create_client_tls(url, tls)
  local TLSOptions = require("wsmultiplayer").TLSOptions
  return self.peer:create_client(url,
    tls.unsafe and TLSOptions.client_unsafe(tls.authorities) or TLSOptions.client(tls.authorities, tls.name))
end

function LuaPeer:listen_somewhere(tls)
  local options = tls and require("wsmultiplayer").TLSOptions.server(tls.key, tls.certificate)
  assert(self.peer:create_server(0, "127.0.0.1", options or nil) == 0)
  return self.peer:get_bound_port()
end

function LuaPeer:take_packets()
  while self:get_available_packet_count() > 0 do
    local from = self:get_packet_peer()
    table.insert(self.events, { "packet", from, (self:get_packet()) })
  end
end

function LuaPeer:step()
  if self.paused then return end
  local before = self:get_connection_status()
  self:poll(0.001)
  local status = self:get_connection_status()
  if status ~= before then table.insert(self.events, { "status", status }) end
  self:take_packets()
end

local Engine = {}
Engine.__index = Engine

-- A new peer, "godot" or "lua".
function Engine:peer(kind)
  self.count = self.count + 1
  local peer = { engine = self, name = kind .. self.count, events = {}, paused = false, port = false }
  if kind == "godot" then
    setmetatable(peer, GodotPeer)
    self:run(peer:command "new")
  else
    peer.peer = require("wsmultiplayer").WebSocketMultiplayerPeer.new()
    peer.peer.peer_connected:connect(function(id)
      table.insert(peer.events, { "connected", id })
    end)
    peer.peer.peer_disconnected:connect(function(id, code, reason, was_clean)
      peer:take_packets() -- what came before the end is there by now
      table.insert(peer.events, { "disconnected", id, code, reason, was_clean })
    end)
    setmetatable(peer, LuaPeer)
  end
  self.peers[peer.name] = peer
  return peer
end

function Engine:read_log()
  local file = io.open(self.log)
  local text = file and file:read "*a" or ""
  if file then file:close() end
  return text
end

-- The error messages in Godot's log that nobody has taken yet.
function Engine:take_errors()
  local text = self:read_log()
  local from = self.log_taken or 0
  local last = text:match "^.*()\n" or 0 -- only whole lines
  for line in text:sub(from + 1, last):gmatch "[^\n]+" do
    local message = line:match "^%w*%s?ERROR: (.*)"
    if message then table.insert(self.errors, message) end
  end
  self.log_taken = math.max(from, last)
  local errors = self.errors
  self.errors = {}
  return errors
end

-- Waits until Godot's log has an error message with this pattern; takes it.
function Engine:expect_error(pattern)
  local found
  self:wait(function()
    local errors = self:take_errors()
    for i, message in ipairs(errors) do
      if message:find(pattern) then
        found = i
        break
      end
    end
    if found then table.remove(errors, found) end
    self.errors = errors
    return found
  end, "Godot's error message: " .. pattern)
end

function Engine:log_tail()
  local text = self:read_log()
  return text == "" and "" or "\nGodot's own output ends with:\n" .. text:sub(-2000)
end

-- Everybody does what is due: our peers are polled, what Godot has told is taken.
function Engine:step()
  local ours = false
  for _, peer in pairs(self.peers) do
    if peer.kind == "lua" then
      ours = true
      peer:step()
    end
  end
  if self.control then self.control:settimeout(ours and 0 or 0.005) end
  while not self.ended do
    local line, why, part = self.control:receive("*l", self.partial)
    self.partial = part or ""
    if line then
      self.control:settimeout(0)
      self:hear(line)
    else
      self.ended = why == "closed"
      break
    end
  end
  if self.ended and not ours then socket.sleep(0.005) end
end

function Engine:hear(line)
  if line:sub(1, 2) == "= " then
    table.insert(self.replies, line:sub(3))
    return
  elseif line:match "^ready " then
    self.version = line:match "^ready (.*)"
    return
  end
  local peer = self.peers[line:match "^%S+"]
  if peer then table.insert(peer.events, peer.parse_event(line)) end
end

-- Goes on until condition() is true.
function Engine:wait(condition, what, patience)
  patience = patience or PATIENCE
  local deadline = socket.gettime() + patience
  while not condition() do
    if socket.gettime() > deadline then
      error(("waited %g s for %s%s"):format(patience, what, self:log_tail()), 0)
    end
    self:step()
  end
end

-- Goes on for some seconds, whatever happens.
function Engine:go_on(seconds)
  local deadline = socket.gettime() + seconds
  while socket.gettime() < deadline do self:step() end
end

function Engine:send(...)
  local commands = { ... }
  for i, command in ipairs(commands) do commands[i] = command_literal(command) end
  self.control:settimeout(PATIENCE)
  assert(self.control:send("[" .. table.concat(commands, ", ") .. "]\n"))
end

-- Godot runs these commands (GodotPeer:command) within one frame; gives their results.
function Engine:run(...)
  local count = select("#", ...)
  self:send(...)
  self:wait(function() return self.ended or #self.replies >= count end, "Godot's answer")
  if self.ended then error("Godot has ended" .. self:log_tail(), 0) end
  local results = {}
  for i = 1, count do results[i] = result_of(table.remove(self.replies, 1)) end
  return unpack(results, 1, count)
end

-- Lets both sides work off whatever is on its way.
function Engine:settle()
  if self.ended then return self:go_on(0.02) end
  for _ = 1, 3 do self:run({ n = 2, "", "pause" }) end
end

-- Kills Godot without giving it a chance to say anything.
function Engine:kill()
  self:send({ n = 2, "", "die" })
  self:wait(function() return self.ended end, "Godot's death")
end

-- Forgets all peers.
function Engine:reset()
  for _, peer in pairs(self.peers) do
    if peer.kind == "lua" then peer.peer:close() end
  end
  self.peers = {}
  if not self.ended then self:run({ n = 2, "", "reset" }) end
end

-- Godot ends when its control connection does.
function Engine:quit()
  self.peers = {}
  if not self.control then return end
  self.control:close()
  os.remove(self.log)
end

-- An engine without Godot, for Lua peers among themselves.
function godot.without()
  return setmetatable({ ended = true, log = "", replies = {}, errors = {}, peers = {}, count = 0 }, Engine)
end

function godot.start()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  local log = os.tmpname()
  os.execute(("(%s) >%s 2>&1 </dev/null &"):format(
    godot.command(project, ("--script res://main.gd -- %d %d"):format(port, LIFETIME)), shell_quote(log)))
  listener:settimeout(START_PATIENCE)
  local engine = setmetatable({
    control = listener:accept(), log = log, partial = "", replies = {}, errors = {}, peers = {}, count = 0,
  }, Engine)
  listener:close()
  if not engine.control then
    error(("Godot did not start within %d s"):format(START_PATIENCE) .. engine:log_tail(), 0)
  end
  engine.control:setoption("tcp-nodelay", true)
  engine:wait(function() return engine.version end, "Godot to be ready")
  return engine
end

return godot

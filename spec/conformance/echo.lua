-- Runs one case of the suite: an end of ours that sends back what it receives, and the other end by hand.
--
-- A case is a table:
--   [1]       its name
--   autobahn  the case of the Autobahn test suite that it stands for, or an array of them
--   before    true: a message goes back and forth first
--   send      what the other end sends: tables are frames (see frames.build), strings are bytes as they are, and
--             echo.PAUSE lets our end look at what came so far, which it must not mind
--   pieces    how the bytes are cut: nil not at all, "frames" into those, a number into pieces of that size, an array
--             of numbers behind those bytes
--   gives     the frames that come back: messages as { opcode, payload }, answers to pings as { PONG, payload }
--   ends      the close frame that comes last, { code, reason } or a code; without it the other end closes with 1000.
--             In a connection that fails, the last frames before the failure need not come back, but our program must
--             have received the messages.
--   known     what libwebsockets makes of it on a client over TLS: { the name of the defect, gives =, ends =,
--             newer = }; with `ends = false` TCP ends without a close frame. `newer`, a table like it, is what newer
--             versions do that are still not right; with a `code`, that is what our program is told instead of the
--             close frame's, and the other end has to close first
--
-- There are three roles: "server"; "client"; and "secure client", which talks TLS to a process that decrypts for us.
local assert = require "luassert"
local ws = require "wsmultiplayer"
local certificates = require "support.certificates"
local frames = require "support.frames"
local python = require "support.python"
local raw = require "support.raw"
local wait = require "support.wait"
local websocket = require "support.websocket"

local TEXT, BINARY, CLOSE, PONG = frames.TEXT, frames.BINARY, frames.CLOSE, frames.PONG
local LIMIT = 1024 * 1024
local PROPERTIES = { inbound_buffer_size = LIMIT, outbound_buffer_size = LIMIT }
local ANSWER_LIMIT = 5

local echo = { PAUSE = {}, LIMIT = LIMIT }

-- Ours: polled like a peer, it returns each message as it came.
local Echo = {}
Echo.__index = Echo

function Echo:poll(timeout)
  self.moves:poll(timeout)
  local peer = self.peer
  if not peer then return end
  if peer ~= self.moves then peer:poll() end
  for message, is_text in peer:packets() do
    self.received[#self.received + 1] = { is_text and TEXT or BINARY, message }
    peer:send(message, is_text and peer.WRITE_MODE_TEXT or peer.WRITE_MODE_BINARY)
  end
end

local server, listener, decrypter, port, tls

-- What all cases of a file share: a server for the one role, a listening socket for the others.
function echo.setup(role)
  if role == "server" then
    server = websocket.server(PROPERTIES)
    return
  end
  listener = assert(raw.listen())
  port = listener.port
  if role == "secure client" then
    decrypter = python.start()
    port = decrypter:unwrap({}, "decrypter", port, { certificate = certificates.good, key = certificates.good_key })
    tls = ws.TLSOptions.client(certificates.root)
  end
end

function echo.teardown()
  websocket.close()
  if decrypter then decrypter:close() end
  certificates.remove_files()
  server, listener, decrypter, tls = nil, nil, nil, nil
end

-- A client of ours on its way, and the other end, which has its request.
function echo.ask(properties, path)
  local client = websocket.connect(port, properties, path, tls)
  return client, listener:accept_request({ client })
end

-- Ours in `role`, and the other end.
function echo.open(role)
  if role == "server" then
    local connection = websocket.raw_join(server)
    return setmetatable({ moves = server, peer = websocket.take(server), received = {} }, Echo), connection
  end
  local client, connection = echo.ask(PROPERTIES)
  connection:send(raw.response(connection.request))
  websocket.reach(client, websocket.OPEN)
  return setmetatable({ moves = client, peer = client, received = {} }, Echo), connection
end

local function bytes_of(connection, item)
  return type(item) == "string" and item or connection:frame_bytes(item)
end

-- Takes what has come back so far, and checks what holds for every frame.
local function collect(connection, back, role)
  local frame = connection:take_frame()
  while frame do
    assert(not back.close, "a frame behind the close frame")
    assert(frame.fin and frame.rsv == 0, "a fragment, or reserved bits")
    assert((frame.mask ~= nil) == (role ~= "server"), "a frame masked by the wrong side")
    local length = #frame.payload
    assert(frame.form == (length < 126 and 7 or length < 65536 and 16 or 64), "a length that is not the shortest")
    if frame.opcode == CLOSE then
      back.close = frame
    else
      local list = frame.opcode == PONG and back.pongs or back.messages
      list[#list + 1] = { frame.opcode, frame.payload }
    end
    frame = connection:take_frame()
  end
end

local function cuts(pieces, size)
  if type(pieces) == "table" then return pieces end
  local list = {}
  for at = pieces, size - 1, pieces do list[#list + 1] = at end
  return list
end

local function send(ours, connection, case)
  local batch = {}
  local function flush()
    local bytes, from = table.concat(batch), 1
    for _, at in ipairs(case.pieces and case.pieces ~= "frames" and cuts(case.pieces, #bytes) or {}) do
      connection:send(bytes:sub(from, at))
      ours:poll()
      from = at + 1
    end
    connection:send(bytes:sub(from))
    batch = {}
  end
  for _, item in ipairs(case.send) do
    if item == echo.PAUSE then
      flush()
      connection:flush({ ours })
      for _ = 1, 3 do ours:poll() end
      assert(not connection:pump().ended and ours.peer:get_ready_state() == websocket.OPEN, "it ended too early")
    else
      batch[#batch + 1] = bytes_of(connection, item)
      if case.pieces == "frames" then
        flush()
        ours:poll()
      end
    end
  end
  flush()
end

local function split(gives)
  local messages, pongs = {}, {}
  for _, frame in ipairs(gives or {}) do
    local list = frame[1] == PONG and pongs or messages
    list[#list + 1] = frame
  end
  return messages, pongs
end

local function first(list, count)
  local part = {}
  for i = 1, count do part[i] = list[i] end
  return part
end

local function exchange(ours, connection, role)
  connection:send_frame { opcode = TEXT, payload = "before" }
  local frame = assert(connection:read_frame({ ours }, ANSWER_LIMIT))
  assert.same({ TEXT, "before" }, { frame.opcode, frame.payload })
  assert.equals(role ~= "server", frame.mask ~= nil)
  ours.received = {}
end

-- Whether libwebsockets does what the cases of `known` say; newer versions may do that, or what is right.
echo.OLD = ws.LIBWEBSOCKETS_VERSION:match("^4%.[01]%.") ~= nil

local function run_known(role, case)
  local copy = {}
  for name, value in pairs(case) do copy[name] = value end
  local function run(outcome)
    copy.gives, copy.ends, copy.code, copy.known = outcome.gives, outcome.ends, outcome.code, nil
    echo.run(role, copy)
  end
  if echo.OLD then return run(case.known) end
  if case.known.newer and pcall(run, case.known.newer) or pcall(run, case.known) then return end
  run(case)
end

local function pings(case)
  local count = 0
  for _, item in ipairs(case.send) do
    if type(item) == "table" and item.opcode == frames.PING then count = count + 1 end
  end
  return count
end

-- What `subject` has to try over TLS: what libwebsockets does differently, and of the rest what stands for many.
function echo.over_tls(subject)
  local cases = {}
  for _, case in ipairs(require("conformance." .. subject) "secure client") do
    -- What is wrong with a close frame is found by us.
    if case.ends == 1002 and not case.known and subject ~= "closing" then
      case.known = { "end", gives = case.gives, ends = false }
    end
    -- Whether pings arrive together, which meets a defect, is up to the process that decrypts.
    local clear = case.known or (case.autobahn and pings(case) < 2)
    if clear then cases[#cases + 1] = case end
  end
  return cases
end

function echo.run(role, case)
  if role == "secure client" and case.known then return run_known(role, case) end
  local ours, connection = echo.open(role)
  local messages, pongs = split(case.gives)
  local back = { messages = {}, pongs = {} }
  local peers = { ours }
  if case.before then exchange(ours, connection, role) end
  send(ours, connection, case)

  if case.ends == nil then
    wait.until_(function()
      collect(connection, back, role)
      return connection.ended or back.close or (#back.messages >= #messages and #back.pongs >= #pongs)
    end, peers, ANSWER_LIMIT, "what should come back")
    assert.is_nil(back.close and (back.close.code or "none"))
    assert.same(pongs, back.pongs)
    assert.same(messages, back.messages)
    connection:send_close(1000, "done")
  end
  wait.until_(function()
    collect(connection, back, role)
    if back.close and case.code then connection:shut_write() end
    return connection.ended
  end, peers, ANSWER_LIMIT, "the end")
  collect(connection, back, role)
  assert.equals("", connection:unread(), "half a frame came back")

  local ends = type(case.ends) == "table" and case.ends or { case.ends or 1000, case.ends and "" or "done" }
  local orderly = case.ends == nil
  if case.ends == false then
    assert(not back.close, "a close frame")
    ends = { -1 }
  else
    assert(back.close, "TCP ended without a close frame")
    assert.same(ends, { back.close.code, back.close.reason })
  end
  assert.same(first(pongs, orderly and #pongs or #back.pongs), back.pongs)
  assert.same(first(messages, orderly and #messages or #back.messages), back.messages)
  websocket.reach(ours.peer, websocket.CLOSED, peers, ANSWER_LIMIT)
  assert.same(messages, ours.received)
  assert.equals(case.code or ends[1] or 0, ours.peer:get_close_code())
  connection:close()
  if role ~= "server" then ours.peer:close() end
end

return echo

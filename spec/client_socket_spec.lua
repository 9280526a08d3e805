-- The socket of a client without TLS: whatever happens to it in whatever state, nothing that came is lost, and it is
-- closed.
local ws = require "wsmultiplayer"
local units = require "wsmultiplayer_units"
local collector = require "support.collector"
local frames = require "support.frames"
local raw = require "support.raw"
local wait = require "support.wait"
local websocket = require "support.websocket"

local OPEN, CLOSING, CLOSED = websocket.OPEN, websocket.CLOSING, websocket.CLOSED
local LARGE = 64 * 1024 * 1024
local ROOM = { inbound_buffer_size = LARGE, outbound_buffer_size = LARGE, max_queued_packets = 100000 }

-- How many are open, without those that only garbage has.
local function descriptors()
  collector.collect()
  return units.descriptors()
end

-- More than the sockets of both sides hold.
local function backlog(client)
  repeat
    assert.equals(ws.OK, (client:send(("x"):rep(1000000))))
    client:poll()
  until client:get_current_outbound_buffered_amount() > 4000000
end

-- A client whose messages nobody reads.
local function stuck(properties)
  local client, connection = websocket.by_hand(properties or ROOM)
  backlog(client)
  return client, connection
end

-- Sends without reading, so that the end is a reset.
local function send_unread(connection, ...)
  local bytes = {}
  for i, fields in ipairs { ... } do bytes[i] = connection:frame_bytes(fields) end
  assert(connection.socket:send(table.concat(bytes)))
end

-- Everything up to the end.
local function take_all(client)
  local messages = {}
  wait.until_(function()
    for message in client:packets() do messages[#messages + 1] = message end
    return client:get_ready_state() == CLOSED
  end, { client }, nil, "the end")
  return messages
end

describe("a client's socket", function()
  after_each(websocket.close)

  it("gives all that came before a reset, though much waits to be sent", function()
    local client, connection = stuck()
    send_unread(connection, { payload = "one" }, { payload = ("y"):rep(50000) }, { payload = "last" },
      { opcode = frames.CLOSE, payload = frames.close_payload(4001, "bye") })
    connection:close()
    assert.same({ "one", ("y"):rep(50000), "last" }, take_all(client))
    assert.same({ 4001, "bye" }, { client:get_close_code(), client:get_close_reason() })
  end)

  it("gives all that came before a reset without a close frame", function()
    for _, held_up in ipairs { false, true } do
      local client, connection
      if held_up then client, connection = stuck() else client, connection = websocket.by_hand(ROOM) end
      send_unread(connection, { payload = "one" }, { payload = "two" })
      connection:reset()
      assert.same({ "one", "two" }, take_all(client))
      assert.equals(-1, client:get_close_code())
      assert.equals("the connection was lost", client:get_last_error())
    end
  end)

  for name, message in pairs { ["a full one"] = "12345678", ["an empty one"] = "" } do
    for _, held_up in ipairs { false, true } do
      it(("tells of a reset though the program takes no packets, %s being next%s"):format(name,
        held_up and ", and much waits to be sent" or ""), function()
        local properties = { max_queued_packets = held_up and 100000 or 1, inbound_buffer_size = 10,
          outbound_buffer_size = LARGE }
        local client, connection = websocket.by_hand(properties)
        if held_up then backlog(client) end
        send_unread(connection, { payload = "12345678" }, { payload = "12345678" }, { payload = message })
        wait.until_(function() return client:get_available_packet_count() > 0 end, { client })
        connection:reset()
        -- Once the end is known, packets that were not taken are given up.
        wait.until_(function() return client:get_ready_state() == CLOSED end, { client }, 5, "the reset")
        assert.equals("the connection was lost", client:get_last_error())
      end)
    end
  end

  it("moves much both ways at once", function()
    local client, connection = websocket.by_hand(ROOM)
    local chunk, count, got, back = ("z"):rep(250000), 60, 0, 0
    for _ = 1, count do assert.equals(ws.OK, (client:send(chunk))) end
    for _ = 1, count do connection.outbox = connection.outbox .. frames.build { payload = chunk } end
    wait.until_(function()
      for message in client:packets() do
        assert.is_true(message == chunk)
        got = got + 1
      end
      local frame = connection:take_frame()
      if frame then back = back + 1 end
      return got == count and back == count
    end, { client }, 30, "everything")
    assert.equals(0, client:get_current_outbound_buffered_amount())
  end)

  it("reads though nothing can be sent", function()
    local client, connection = stuck()
    connection:send_binary("hello")
    assert.same({ "hello" }, (websocket.receive(client, 1)))
    assert.equals(OPEN, client:get_ready_state())
  end)

  -- What the server reads: how many whole messages of `size` bytes, and the close frame behind them.
  local function read_on(connection, client, size)
    local count = 0
    while true do
      local frame, why = connection:read_frame({ client })
      assert.is_truthy(frame, "the connection ended without a close frame: " .. tostring(why))
      if frame.opcode == frames.CLOSE then return count, frame end
      assert.equals(size, #frame.payload)
      count = count + 1
    end
  end

  it("answers a close frame though much waits to be sent: what was begun goes first", function()
    local client, connection = stuck()
    connection:send_binary("last")
    connection:send_close(4001, "bye")
    -- Nothing is read yet, so the answer can't be sent.
    assert.same({ "last" }, (websocket.receive(client, 1)))
    websocket.reach(client, CLOSING)
    assert.equals(ws.FAILED, (client:send("late")))
    assert.equals(0, client:get_current_outbound_buffered_amount())
    connection:send_binary("nobody wants this any more")
    connection:send_close(4002, "nor this")
    local count, close = read_on(connection, client, 1000000)
    assert.is_true(count > 0)
    assert.same({ 4001, "bye" }, { close.code, close.reason })
    assert.equals(CLOSING, client:get_ready_state()) -- until the server ends TCP, for which it knows all it has to
    assert.equals("closed", connection:read_end({ client }))
    connection:close()
    websocket.reach(client, CLOSED)
    assert.same({ 4001, "bye" }, { client:get_close_code(), client:get_close_reason() })
    assert.matches("closed by the other side with code 4001: bye", client:get_last_error(), 1, true)
  end)

  it("sends its own close frame behind all that waits, though the server's comes first", function()
    local client, connection = stuck()
    client:close(4002, "ours")
    connection:send_close(4001, "theirs")
    for _ = 1, 20 do client:poll() end
    assert.equals(CLOSING, client:get_ready_state())
    local count, close = read_on(connection, client, 1000000)
    assert.is_true(count > 4)
    assert.same({ 4002, "ours" }, { close.code, close.reason })
    connection:close()
    websocket.reach(client, CLOSED)
    assert.equals(4001, client:get_close_code())
  end)

  it("tells the server what was wrong though much waits to be sent", function()
    local client, connection = stuck()
    connection:send_frame { opcode = 3 }
    websocket.reach(client, CLOSING)
    connection:send_frame { opcode = frames.PING, payload = "not answered" }
    local _, close = read_on(connection, client, 1000000)
    assert.equals(1002, close.code)
    connection:close()
    websocket.reach(client, CLOSED)
    assert.equals(1002, client:get_close_code())
  end)

  it("waits no longer than three seconds for a server that reads nothing, or reads all and does not end", function()
    local one, unread = stuck()
    local other, read = stuck()
    unread:send_close(4001)
    read:send_close(4001)
    local started = wait.now()
    wait.until_(function()
      read:pump()
      return one:get_ready_state() == CLOSED and other:get_ready_state() == CLOSED
    end, { one, other })
    local took = wait.now() - started
    assert.is_true(took > 2.5 and took < 4.5, "took " .. took)
    for _, client in ipairs { one, other } do
      assert.equals(4001, client:get_close_code())
      assert.equals("closed by the other side with code 4001", client:get_last_error())
    end
  end)

  it("is CLOSED at once when the server resets instead of reading the answer, or the program cuts", function()
    for _, finish in ipairs { function(_, connection) connection:reset() end,
                              function(client) client:close(-1) end } do
      local client, connection = stuck()
      connection:send_close(4001)
      websocket.reach(client, CLOSING)
      finish(client, connection)
      websocket.reach(client, CLOSED, nil, 1)
      assert.equals(4001, client:get_close_code())
    end
  end)

  it("sends a request that is larger than the socket takes", function()
    local lines = {}
    for i = 1, 100 do lines[i] = ("X-%d: %s"):format(i, ("v"):rep(100000)) end
    local listener = assert(raw.listen())
    local client = websocket.connect(listener.port, { handshake_headers = lines })
    local connection = listener:accept({ client })
    for _ = 1, 20 do client:poll() end
    local head = connection:read_head({ client })
    assert.is_true(#head > 10000000)
    connection:send(raw.response(head))
    websocket.reach(client, OPEN)
    connection:send_frame { opcode = frames.PING, payload = "p" }
    assert.equals("p", connection:read_frame({ client }).payload)
  end)

  it("has an answer while the request is still being sent", function()
    local listener = assert(raw.listen())
    local client = websocket.connect(listener.port, { handshake_headers = { "X: " .. ("v"):rep(20000000) } })
    local connection = listener:accept({ client })
    assert(connection.socket:send("HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n"))
    websocket.reach(client, CLOSED)
    assert.matches("431", client:get_last_error(), 1, true)
  end)

  it("may have any number", function()
    local files, before = {}, descriptors()
    for i = 1, 1100 do
      files[i] = io.open("/dev/null")
      if not files[i] then break end
    end
    if #files == 1100 then
      local client, connection = stuck()
      connection:send_binary("hello")
      assert.same({ "hello" }, (websocket.receive(client, 1)))
      client:close(-1)
    else
      pending("this system allows too few files")
    end
    for _, file in ipairs(files) do file:close() end
    websocket.close()
    assert.equals(before, descriptors())
  end)

  if raw.has_ipv6() then
    it("may go to an IPv6 address with a zone", function()
      local listener = assert(raw.listen("::1"))
      for _, zone in ipairs { "%1", "%251" } do
        local client = websocket.peer()
        assert.equals(ws.OK, (client:connect_to_url(("ws://[::1%s]:%d/"):format(zone, listener.port))))
        local connection = listener:accept_request({ client })
        assert.equals(("[::1]:%d"):format(listener.port), raw.header(connection.request, "Host"))
        connection:send(raw.response(connection.request))
        websocket.reach(client, OPEN)
        assert.equals("0:0:0:0:0:0:0:1", client:get_connected_host())
      end
    end)

    it("fails at once for an IPv6 address that lacks its zone", function()
      local client = websocket.peer()
      assert.equals(ws.OK, (client:connect_to_url("ws://[fe80::1]:9/")))
      websocket.reach(client, CLOSED)
      assert.matches("could not connect to fe80::1 port 9", client:get_last_error(), 1, true)
    end)
  end

  it("belongs to the parent: a forked child that lets go of the client changes nothing", function()
    local client, connection = websocket.by_hand()
    local descriptor = client:pollfd()
    assert.is_true(units.in_child(function()
      client:close(-1)
      return client:get_ready_state() == CLOSED
    end))
    connection:send_binary("hello")
    if descriptor then assert.equals(descriptor, client:pollfd()) end
    assert.same({ "hello" }, (websocket.receive(client, 1)))
    client:send("back")
    assert.equals("back", connection:read_binary({ client }))
  end)
end)

-- How a client gets into each state, and how it ends there.
local STATES = {
  ["while TCP connects"] = function()
    local client = websocket.peer()
    client:connect_to_url("ws://198.51.100.1:9/")
    client:poll()
    return client
  end,
  ["before the first poll"] = function(listener)
    local client = websocket.connect(listener.port)
    return client, listener:accept({})
  end,
  ["before the answer"] = function(listener)
    local client = websocket.connect(listener.port)
    return client, listener:accept_request({ client })
  end,
  ["in the middle of the answer"] = function(listener)
    local client = websocket.connect(listener.port)
    local connection = listener:accept_request({ client })
    connection:send(raw.response(connection.request):sub(1, 60))
    client:poll()
    return client, connection
  end,
  ["when open"] = function(listener)
    local client = websocket.connect(listener.port)
    local connection = listener:welcome({ client }, false)
    return websocket.reach(client, OPEN), connection
  end,
  ["in the middle of a frame"] = function(listener)
    local client = websocket.connect(listener.port)
    local connection = listener:welcome({ client }, false)
    connection:send("\130\126\1")
    return websocket.reach(client, OPEN), connection
  end,
  ["with a backlog"] = function(listener)
    local client = websocket.connect(listener.port, ROOM)
    local connection = listener:welcome({ client }, false)
    backlog(websocket.reach(client, OPEN))
    return client, connection
  end,
  ["when closing"] = function(listener)
    local client = websocket.connect(listener.port)
    local connection = listener:welcome({ client }, false)
    websocket.reach(client, OPEN):close(1000)
    return client, connection
  end,
}
local ENDS = {
  ["is reset"] = function(_, connection) connection:reset() end,
  ["ends"] = function(_, connection) connection:close() end,
  ["is closed by the other side's direction only"] = function(_, connection) connection:shut_write() end,
  ["is cut by the program"] = function(client) client:close(-1) end,
  ["is given back"] = function(client) client:close() client:close(-1) end,
  ["gets nonsense"] = function(_, connection) connection:send(("\255"):rep(5000)) end,
}

describe("a client's socket leaves no descriptor open when it", function()
  local listener

  before_each(function() listener = assert(raw.listen()) end)
  after_each(websocket.close)

  -- `at_once`: without a poll.
  local function check(start, finish, at_once)
    local before = descriptors()
    for _ = 1, 3 do
      local client, connection = start(listener)
      finish(client, connection)
      websocket.reach(client, CLOSED, at_once and {})
      if not at_once then client:poll() end -- which also lets go of what is left
      if connection then connection:close() end
    end
    assert.equals(before, units.descriptors())
  end

  for state, start in pairs(STATES) do
    for name, finish in pairs(ENDS) do
      if state ~= "while TCP connects" or name:find("program") or name:find("given") then
        it(name .. " " .. state, function() check(start, finish, name == "is cut by the program") end)
      end
    end
  end

  it("is refused", function()
    local port = raw.free_port()
    check(function() return websocket.connect(port) end, function() end)
  end)
  it("can't be connected at all", function()
    check(function()
      local client = websocket.peer()
      assert.equals(ws.OK, (client:connect_to_url("ws://255.255.255.255:9/")))
      return client
    end, function() end)
  end)
  it("is collected with its client", function()
    local before = descriptors()
    for _, start in pairs(STATES) do start(listener) end
    websocket.forget()
    raw.close_all()
    assert.equals(before - 1, descriptors()) -- without the listener
  end)
end)

local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"

-- Seconds that one poll takes. `LONG` stands for a time-out that must not be waited for.
local LONG = 5

local function timed(peer, timeout)
  local started = wait.now()
  peer:poll(timeout)
  return wait.now() - started
end

local function at_once(peer, timeout)
  local took = timed(peer, timeout)
  assert.is_true(took < 1, "took " .. took)
end

describe("poll", function()
  after_each(session.close)

  it("returns nothing", function()
    assert.equals(0, select("#", session.peer():poll()))
    assert.equals(0, select("#", (session.server()):poll(0)))
  end)

  it("does not wait without a time-out, or with one of zero or less", function()
    local server, client = session.pair()
    for _, peer in ipairs { session.peer(), server, client } do
      local best = math.huge
      for _ = 1, 5 do
        best = math.min(best, timed(peer), timed(peer, nil), timed(peer, 0))
      end
      assert.is_true(best < 0.02, "took " .. best)
      pcall(at_once, peer, -1)
    end
  end)

  it("waits up to its time-out while nothing happens", function()
    local server, client = session.pair()
    for _ = 1, 5 do
      server:poll()
      client:poll()
    end
    for _, peer in ipairs { server, client } do
      local took = timed(peer, 0.1)
      assert.is_true(took >= 0.08 and took < 1, "took " .. took)
    end
  end)

  it("does not wait while disconnected", function()
    at_once(session.peer(), LONG)
  end)

  it("survives time-outs that are no time", function()
    local server, port = session.server()
    local client = raw.join(port, { server })
    for _, timeout in ipairs { 0 / 0, 1 / 0, 1e300, 2 ^ 31, -1 / 0 } do
      client:send_binary("x")
      local ok, err = pcall(server.poll, server, timeout)
      assert.is_true(ok or type(err) == "string")
    end
    session.receive(server, 5, { server })
  end)

  it("ends its waiting for a packet, which is then there", function()
    local server, port = session.server()
    local connection = raw.join(port, { server })
    connection:send_binary("x")
    at_once(server, LONG)
    assert.equals("x", (server:get_packet()))

    local client, other = session.by_hand()
    other:send_binary("y")
    at_once(client, LONG)
    assert.equals("y", (client:get_packet()))
  end)

  it("ends its waiting for a new client, and for one that leaves", function()
    local server, port = session.server()
    local events = session.record(server)
    local connection = raw.connect(port)
    connection:send(raw.request())
    local polls = 0
    repeat
      at_once(server, LONG)
      polls = polls + 1
    until events[1] or polls == 5
    assert.equals("connected", events[1] and events[1].name)
    connection:close()
    polls = 0
    repeat
      at_once(server, LONG)
      polls = polls + 1
    until events[2] or polls == 5
    assert.equals("disconnected", events[2] and events[2].name)
  end)

  it("ends its waiting when the client's connection comes up, and when it fails", function()
    local listener = raw.listen()
    local client = session.client(listener.port)
    local started = wait.now()
    local connection
    repeat
      client:poll(0.01)
      local sock = listener.socket:accept()
      if sock then sock:close() connection = true end
    until connection or wait.now() - started > LONG
    repeat client:poll(LONG) until session.is_disconnected(client) or wait.now() - started > LONG
    assert.is_true(wait.now() - started < LONG)

    for _, url in ipairs { "ws://127.0.0.1:" .. raw.free_port(), "ws://localhost:" .. raw.free_port() } do
      client = session.peer({ handshake_timeout = 60 })
      assert.equals(0, (client:create_client(url)))
      started = wait.now()
      repeat client:poll(LONG) until session.is_disconnected(client) or wait.now() - started > LONG
      assert.is_true(wait.now() - started < LONG, url)
    end
  end)

  it("keeps to deadlines while it waits", function()
    local server, port = session.server({ handshake_timeout = 0.2 })
    local silent = raw.connect(port)
    server:poll(0.5)
    server:poll(0)
    assert.is_truthy(silent:pump().ended)

    local listener = raw.listen()
    local client = session.client(listener.port, { handshake_timeout = 0.2 })
    local started = wait.now()
    repeat client:poll(LONG) until session.is_disconnected(client) or wait.now() - started > LONG
    assert.is_true(wait.now() - started < 2)
  end)

  it("sends what the other end had no room for, while it waits", function()
    local server, port = session.server({ outbound_buffer_size = 0 })
    local connection = raw.join(port, { server })
    local big = ("x"):rep(1000000)
    for _ = 1, 12 do assert.equals(0, (server:put_packet(big))) end
    for _ = 1, 12 do assert.equals(#big, #connection:read_binary({ server })) end
  end)

  describe("with much to read", function()
    local COUNT, SIZE = 20, 60000
    local server, clients

    before_each(function()
      server, clients = session.server(), {}
      for i = 1, COUNT do clients[i] = raw.join(server:get_bound_port(), { server }) end
    end)

    local function send_all()
      for _, client in ipairs(clients) do client:send_binary(("x"):rep(SIZE)):flush {} end
    end

    it("gives all of it if it does not wait, as to a program that polls once a frame", function()
      for _ = 1, 5 do
        send_all()
        server:poll()
        assert.equals(COUNT, #session.drain(server))
      end
    end)

    it("gives a part at a time if it waits, each at once and none left out", function()
      for _ = 1, 5 do
        send_all()
        local taken, polls, of = 0, 0, {}
        while taken < COUNT do
          at_once(server, LONG)
          polls = polls + 1
          local packets, senders = session.drain(server)
          assert.is_true(#packets > 0 and #packets < COUNT / 2, #packets)
          taken = taken + #packets
          for _, sender in ipairs(senders) do of[sender] = true end
        end
        assert.is_true(polls > 2)
        for _, client in ipairs(clients) do assert.is_true(of[client.id]) end
      end
    end)

    it("lets new clients in, and sends heartbeats, though every turn reads no more than a part", function()
      server.heartbeat_interval = 0.05
      local busy = {}
      function busy.poll()
        for _, client in ipairs(clients) do
          if #client.outbox == 0 then client:send_binary(("x"):rep(SIZE)) end
          client:pump()
        end
        server:poll(0.001)
        session.drain(server)
      end
      raw.join(server:get_bound_port(), { busy })
      for _, client in ipairs(clients) do assert.equals(9, client:read_frame({ busy }).opcode) end
    end)
  end)

  it("serves many peers in one thread in turn", function()
    local servers, clients = {}, {}
    for i = 1, 5 do
      servers[i], clients[i] = session.pair()
    end
    for i = 1, 5 do
      assert.equals(0, (clients[i]:put_packet("to " .. i)))
      assert.same({ "to " .. i }, (session.receive(servers[i], 1, servers)))
    end
  end)
end)

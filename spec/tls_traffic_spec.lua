-- Packets, ends and polls over TLS, between our own peers.
local ws = require "wsmultiplayer"
local certificates = require "support.certificates"
local session = require "support.session"
local wait = require "support.wait"
local child = require "support.child"
local programs = require "support.programs"
local tls = require "support.tls"

local TLSOptions = ws.TLSOptions
local CONNECTING = 1
local CLOSED = ws.WebSocketPeer.STATE_CLOSED
local collect, start_server, start_client = tls.collect, tls.start_server, tls.start_client
local outcome, join = tls.outcome, tls.join
local trusting, pair, clean_up = tls.trusting, tls.pair, tls.clean_up
local content = tls.content

describe("over TLS", function()
  after_each(clean_up)

  it("both sides know the URL, the address and the port", function()
    local server, client, id = pair()
    local url = "wss://localhost:" .. server:get_bound_port()
    assert.equals(url, client:get_peer(1):get_requested_url())
    assert.matches("^" .. url:gsub("%p", "%%%0") .. "/?$", server:get_peer(id):get_requested_url())
    assert.equals("127.0.0.1", server:get_peer_address(id))
    assert.equals(server:get_bound_port(), client:get_peer_port(1))
  end)

  it("on_request sees that it is TLS", function()
    local server = start_server "good"
    local seen
    server.on_request = function(request)
      seen = { request.tls, request.target, request.host }
    end
    local client = start_client(server:get_bound_port(), trusting(), nil, { handshake_headers = { "X-A: 1" } })
    assert.is_true(outcome(server, client))
    assert.same({ true, "/", "localhost:" .. server:get_bound_port() }, seen)
  end)

  it("an HTTP status refuses", function()
    local server = start_server "good"
    server.on_request = function() return 403 end
    local client = start_client(server:get_bound_port(), trusting())
    assert.is_false(outcome(server, client))
    assert.matches("403", client:get_last_error())
  end)

  it("sub-protocols and headers are exchanged", function()
    local server = start_server("good", { supported_protocols = { "a", "b" }, handshake_headers = { "X-S: 1" } })
    local client, id = join(server, trusting(), nil, { supported_protocols = { "c", "b" } })
    assert.equals("b", client:get_peer(1):get_selected_protocol())
    assert.equals("b", server:get_peer(id):get_selected_protocol())
  end)

  it("packets of all sizes go both ways", function()
    local server, client, id = pair()
    for number, size in ipairs { 8, 125, 126, 127, 1000, 4096, 16383, 16384, 16385, 32768, 65534, 65535 } do
      local packet = content(number, size)
      assert.equals(ws.OK, (server:put_packet(packet)))
      assert.equals(ws.OK, (client:put_packet(packet)))
      assert.is_true(packet == session.receive(client, 1, { server, client })[1], "down " .. size)
      local packets, senders = session.receive(server, 1, { server, client })
      assert.is_true(packet == packets[1], "up " .. size)
      assert.equals(id, senders[1])
    end
  end)

  it("megabytes in one packet go both ways", function()
    local size = 3000000
    local properties = { inbound_buffer_size = size, outbound_buffer_size = size }
    local server, client = pair(properties, properties)
    local packet = content(1, size)
    assert.equals(ws.OK, (server:put_packet(packet)))
    assert.equals(ws.OK, (client:put_packet(packet)))
    assert.is_true(packet == session.receive(client, 1, { server, client })[1])
    assert.is_true(packet == session.receive(server, 1, { server, client })[1])
  end)

  -- The sender fills everything that takes bytes while the receiver does not poll; then all of it arrives.
  local function burst(sender, receiver, both, size, count)
    local sent, received, refused = 0, 0, 0
    local deadline = wait.now() + 20
    while received < sent or sent < count do
      if wait.now() > deadline then error(("only %d of %d arrived"):format(received, sent)) end
      for _ = 1, 40 do
        if sent >= count then break end
        local err = sender:put_packet(content(sent + 1, size))
        if err ~= ws.OK then
          assert.equals(ws.ERR_OUT_OF_MEMORY, err)
          refused = refused + 1
          break
        end
        sent = sent + 1
      end
      sender:poll()
      if sent >= count or refused % 20 == 19 or sent % 40 == 0 then
        for _, peer in ipairs(both) do peer:poll() end
        -- A few at a time: the rest has to wait, in this process and in the kernel.
        for _ = 1, 3 do
          if receiver:get_available_packet_count() == 0 then break end
          received = received + 1
          assert.is_true(content(received, size) == receiver:get_packet(), "packet " .. received)
        end
      end
    end
    return refused
  end

  for size, count in pairs { [65535] = 80, [20000] = 200, [300] = 400 } do
    it(("bursts of %d bytes a packet arrive whole, however slowly they are taken"):format(size), function()
      local properties = { outbound_buffer_size = 2 * 65535, inbound_buffer_size = 65535 }
      local server, client, id = pair(properties, properties)
      server:set_target_peer(id)
      local refused = burst(server, client, { server, client }, size, count)
      if size == 65535 then assert.is_true(refused > 0, "nothing was ever held up") end
      refused = burst(client, server, { client, server }, size, count)
      if size == 65535 then assert.is_true(refused > 0, "nothing was ever held up") end
    end)
  end

  it("a client is in without waiting for anything but the handshake", function()
    local fastest = math.huge
    for _ = 1, 3 do
      local started = wait.now()
      local server, client = pair()
      fastest = math.min(fastest, wait.now() - started)
      client:close()
      server:close()
    end
    assert.is_true(fastest < 0.5, "took " .. fastest .. " s")
  end)

  it("what cannot leave is refused, counted, and arrives when the other side reads again", function()
    local server, client, id = pair()
    for _, way in ipairs { { server, client, id }, { client, server, 1 } } do
      local sender, receiver, target = way[1], way[2], way[3]
      sender:set_target_peer(target)
      local sent = 0
      wait.until_(function()
        local err = sender:put_packet(content(sent + 1, 60000))
        if err == ws.OK then sent = sent + 1 end
        return err == ws.ERR_OUT_OF_MEMORY and sender:get_peer(target):get_current_outbound_buffered_amount() > 0
      end, { sender })
      assert.is_true(sent > 1)
      local packets = session.receive(receiver, sent, { receiver, sender })
      for i = 1, sent do assert.is_true(content(i, 60000) == packets[i], "packet " .. i) end
      wait.until_(function()
        return sender:get_peer(target):get_current_outbound_buffered_amount() == 0
      end, { receiver, sender })
    end
  end)

  it("what was put before an end arrives before it", function()
    for _, ending in ipairs { "disconnect", "close", "code" } do
      local server, client, id = pair({ outbound_buffer_size = 1000000 })
      local events = session.record(client)
      server:set_target_peer(id)
      for i = 1, 15 do assert.equals(ws.OK, (server:put_packet(content(i, 65535)))) end
      if ending == "disconnect" then server:disconnect_peer(id) end
      if ending == "code" then server:get_peer(id):close(4000, "end") end
      if ending == "close" then
        -- Without anybody to poll it only what the kernel takes arrives.
        wait.until_(function() return server:get_peer(id):get_current_outbound_buffered_amount() == 0 end,
          { server, client })
        server:close()
      end
      local packets = session.receive(client, 15, { server, client })
      for i = 1, 15 do assert.is_true(content(i, 65535) == packets[i], ending .. ": packet " .. i) end
      local event = session.event(events, 1, { server, client })
      assert.equals("disconnected", event.name)
      assert.is_true(event.clean, ending)
    end
  end)

  for title, case in pairs {
    ["the server's code and reason"] =
      { function(server, _, id) server:get_peer(id):close(4001, "out") end, 4001, "out" },
    ["disconnect_peer of the server"] = { function(server, _, id) server:disconnect_peer(id) end, 1000, "" },
    ["close of the server"] = { function(server) server:close() end, 1001, "" },
  } do
    it("the client is told of " .. title, function()
      local server, client, id = pair()
      local events = session.record(client)
      case[1](server, client, id)
      local event = session.event(events, 1, { server, client })
      assert.same({ "disconnected", 1, case[2], case[3], true },
        { event.name, event.id, event.code, event.reason, event.clean })
      wait.until_(function() return session.is_disconnected(client) end, { client })
    end)
  end

  for title, case in pairs {
    ["the client's code and reason"] = { function(client) client:get_peer(1):close(4002, "bye") end, 4002, "bye" },
    ["disconnect_peer of the client"] = { function(client) client:disconnect_peer(1) end, 1000, "" },
    ["close of the client"] = { function(client) client:close() end, 1000, "" },
  } do
    it("the server is told of " .. title, function()
      local server, client, id = pair()
      local events = session.record(server)
      case[1](client)
      local event = session.event(events, 1, { server, client })
      assert.same({ "disconnected", id, case[2], case[3], true },
        { event.name, event.id, event.code, event.reason, event.clean })
      wait.until_(function() return session.is_disconnected(client) end, { server, client })
    end)
  end

  it("a client that holds much unsent answers a close frame all the same", function()
    local server, client, id = pair(nil, { outbound_buffer_size = 0, max_queued_packets = 100000 })
    local events, peer = session.record(client), server:get_peer(id)
    wait.until_(function()
      client:put_packet(content(1, 60000))
      client:poll()
      return client:get_peer(1):get_current_outbound_buffered_amount() > 8000000
    end, {})
    peer:close(4001, "enough")
    local event = session.event(events, 1, { server, client })
    assert.same({ 4001, "enough", true }, { event.code, event.reason, event.clean })
    wait.until_(function() return peer:get_ready_state() == CLOSED end, { server, client })
    assert.equals(4001, peer:get_close_code())
  end)

  it("a client that holds much unsent tells what was wrong all the same", function()
    local server, client = pair(nil, { outbound_buffer_size = 0, max_queued_packets = 100000,
      inbound_buffer_size = 1000 })
    local ours, told = session.record(client), session.record(server)
    wait.until_(function()
      client:put_packet(content(1, 60000))
      client:poll()
      return client:get_peer(1):get_current_outbound_buffered_amount() > 8000000
    end, {})
    server:put_packet(("x"):rep(2000))
    wait.until_(function()
      session.drain(server)
      return told[1] and ours[1]
    end, { server, client })
    assert.equals(1009, ours[1].code)
    assert.equals(1009, told[1].code)
  end)

  it("a cut connection is told as such to the other side", function()
    local server, client, id = pair()
    local events = session.record(client)
    server:disconnect_peer(id, true)
    local event = session.event(events, 1, { server, client })
    assert.equals("disconnected", event.name)
    wait.until_(function() return session.is_disconnected(client) end, { server, client })
  end)

  it("heartbeats go to and fro", function()
    local server, client, id = pair({ heartbeat_interval = 0.05 }, { heartbeat_interval = 0.05 })
    wait.until_(function() return server:get_peer_rtt(id) and client:get_peer_rtt(1) end, { server, client })
    assert.is_true(server:get_peer_rtt(id) < 5)
  end)

  it("a message that is too large ends with 1009", function()
    local server, client, id = pair({ inbound_buffer_size = 1000 })
    local events = session.record(server)
    client:put_packet(("x"):rep(2000))
    local event = session.event(events, 1, { server, client })
    assert.same({ id, 1009 }, { event.id, event.code })
  end)

  it("a server with and a server without live side by side", function()
    local secure, plain = start_server "good", session.server()
    local a, b = join(secure, trusting()), session.join(plain)
    local c = join(secure, trusting())
    secure:set_target_peer(0)
    plain:set_target_peer(0)
    secure:put_packet("secure")
    plain:put_packet("plain")
    local all = { secure, plain, a, b, c }
    assert.same({ "secure" }, (session.receive(a, 1, all)))
    assert.same({ "plain" }, (session.receive(b, 1, all)))
    assert.same({ "secure" }, (session.receive(c, 1, all)))
  end)

  it("servers and clients come and go in turn", function()
    local server = start_server "good"
    local port = server:get_bound_port()
    for round = 1, 4 do
      local a, b = join(server, trusting()), join(server, TLSOptions.client_unsafe())
      a:close()
      b:put_packet("round " .. round)
      assert.same({ "round " .. round }, (session.receive(server, 1, { server, b })))
      server:close()
      wait.until_(function() return session.is_disconnected(b) end, { b })
      collect()
      local name = round % 2 == 0 and "good" or "rsa"
      assert.equals(ws.OK, (server:create_server(port, "127.0.0.1", certificates.server(name))))
      join(server, trusting()):close()
      wait.until_(function() return #server:get_peers() == 0 end, { server })
    end
    -- The same peer as a client of TLS, as one without, and as a server.
    local plain = session.server()
    local peer = join(server, trusting())
    peer:close()
    assert.equals(ws.OK, (peer:create_client("ws://127.0.0.1:" .. plain:get_bound_port())))
    assert.is_true(outcome(plain, peer))
    peer:close()
    assert.equals(ws.OK, (peer:create_server(0, "127.0.0.1", certificates.server "good")))
    join(peer, trusting())
  end)

  it("nothing is lost with a collection after every step", function()
    local server = session.peer()
    server:create_server(0, "127.0.0.1", certificates.server "chain")
    local client = start_client(server:get_bound_port(), trusting())
    wait.until_(function()
      collect()
      server:poll()
      collect()
      return session.is_connected(client)
    end, { client })
    client:put_packet(content(1, 65535))
    wait.until_(function()
      collect()
      client:poll()
      collect()
      return server:get_available_packet_count() > 0
    end, { server })
    assert.is_true(content(1, 65535) == server:get_packet())
  end)
end)

describe("poll with TLS", function()
  after_each(clean_up)

  -- A busy machine may stop us for a moment, so the best of several tries counts: what blocks does so in each.
  local function best_of(tries, measure)
    local best = math.huge
    for _ = 1, tries do
      best = math.min(best, measure())
      if best < 0.02 then break end
    end
    return best
  end

  local function longest(server, client, start)
    local before = wait.now()
    start()
    local most = wait.now() - before
    wait.until_(function()
      before = wait.now()
      client:poll()
      most = math.max(most, wait.now() - before)
      return client:get_connection_status() ~= CONNECTING
    end, { server })
    return most
  end

  it("never takes long while the system's authorities are read", function()
    local server = start_server "good"
    for _, host in ipairs { "localhost", "127.0.0.1" } do
      local best = best_of(6, function()
        local client = session.peer()
        return longest(server, client, function()
          client:create_client(("wss://%s:%d"):format(host, server:get_bound_port()))
        end)
      end)
      assert.is_true(best < 0.02, ("%s: %.1f ms"):format(host, best * 1000))
    end
  end)

  it("and close() does not wait for them either", function()
    local server = start_server "good"
    for _, polls in ipairs { 0, 1, 3 } do
      local best = best_of(6, function()
        local client = start_client(server:get_bound_port())
        for _ = 1, polls do client:poll() end
        local before = wait.now()
        client:close()
        return wait.now() - before
      end)
      assert.is_true(best < 0.02, ("%d polls: %.1f ms"):format(polls, best * 1000))
    end
  end)

  it("waits inside poll for what comes next", function()
    local server = start_server "good"
    local client = start_client(server:get_bound_port(), trusting())
    local started, polls = wait.now(), 0
    while not session.is_connected(client) and wait.now() - started < 5 do
      client:poll(0.1)
      server:poll(0)
      client:poll(0)
      server:poll(0)
      polls = polls + 1
    end
    assert.is_true(session.is_connected(client))
    -- poll returns when there is something to do, not at its limit: with the server's turns in between, a few do.
    assert.is_true(polls < 40, "polls: " .. polls)
  end)

  it("closing or collecting a client in any phase is safe", function()
    local server = start_server "good"
    -- A function of its own, so that no stack still has a client when all is over.
    local function meet(polls, options)
      local client = ws.WebSocketMultiplayerPeer.new()
      client:create_client("wss://localhost:" .. server:get_bound_port(), options)
      for _ = 1, polls do
        client:poll(polls > 8 and 0.002 or 0)
        server:poll()
      end
      if polls % 2 == 0 then client:close() end
    end
    for polls = 0, 12 do
      for _, options in ipairs { trusting(), false } do
        meet(polls, options or nil)
        collect()
        server:poll()
      end
    end
    wait.until_(function()
      collect()
      return #server:get_peers() == 0
    end, { server })
    join(server, trusting())
  end)

  it("the options may be collected while the file that they name is still to be read", function()
    local path = certificates.path(certificates.root)
    local output = child.run(([[
      local ws = require "wsmultiplayer"
      local server = ws.WebSocketMultiplayerPeer.new()
      assert(server:create_server(0, "127.0.0.1", ws.TLSOptions.server(%q, %q)) == ws.OK)
      for round = 1, 30 do
        local client = ws.WebSocketMultiplayerPeer.new()
        assert(client:create_client("wss://localhost:" .. server:get_bound_port(), ws.TLSOptions.client(%q)) == ws.OK)
        collectgarbage()
        local others = {} -- in the same memory
        for i = 1, 50 do others[i] = ws.TLSOptions.client(("x"):rep(#%q)) end
        repeat
          client:poll(0.002)
          server:poll()
        until client:get_connection_status() ~= 1
        if client:get_connection_status() == 0 then error(client:get_last_error()) end
        client:close()
      end
      print "fine"
    ]]):format(certificates.good_key, certificates.good, path, path))
    assert.matches("^fine%s+status 0%s*$", output)
  end)

  it("a server with clients in any phase can be closed and collected", function()
    for polls = 0, 8 do
      local server = ws.WebSocketMultiplayerPeer.new()
      server:create_server(0, "127.0.0.1", certificates.server "good")
      local client = start_client(server:get_bound_port(), trusting())
      wait.until_(function() return client:get_last_error() == "" end, { client })
      for _ = 1, polls do
        client:poll(0.002)
        server:poll()
      end
      if polls % 2 == 0 then server:close() end
      server = nil -- luacheck: ignore
      collect()
      wait.until_(function() return session.is_disconnected(client) end, { client })
    end
  end)

  it("a program may end while TLS is being prepared", function()
    for _, ending in ipairs { "", "os.exit(0)", "p:close()", "p:poll(0.02)" } do
      local output = child.run([[
        local ws = require "wsmultiplayer"
        p = ws.WebSocketMultiplayerPeer.new()
        assert(p:create_client("wss://localhost:9") == 0)
        p:poll()
        print "ending"
        io.stdout:flush()
      ]] .. ending, { ASAN_OPTIONS = "detect_leaks=0" }) -- what a thread has in hand then is nobody's to free
      assert.matches("ending%s+status 0%s*$", output)
    end
  end)

  it("a program may end while the thread that prepared TLS ends", function()
    local environment = programs.preloading { SLOW_ENDS = "1", ASAN_OPTIONS = "detect_leaks=0" }
    if not environment then return pending "no library to preload" end
    for _, pause in ipairs { 0.02, 0.04, 0.06 } do
      assert.matches("^status 0%s*$", child.run(([[
        local ws = require "wsmultiplayer"
        p = ws.WebSocketMultiplayerPeer.new()
        assert(p:create_client("wss://localhost:9") == 0)
        local start = ws.clock()
        while ws.clock() < start + %f do end
        os.exit(0)
      ]]):format(pause), environment))
    end
  end)
end)

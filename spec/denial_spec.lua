-- A server under attack: a process of its own, whose memory is measured. The bounds are those of docs/limits.md.
local certificates = require "support.certificates"
local frames = require "support.frames"
local process = require "support.process"
local raw = require "support.raw"
local session = require "support.session"
local socket = require "socket"
local system = require "wsmultiplayer_system"
local wait = require "support.wait"

local here = debug.getinfo(1, "S").source:match "^@(.*)denial_spec%.lua$"

local KIB, MIB = 1024, 1024 * 1024

local has_proc = system.memory() ~= nil
-- A sanitizer keeps freed memory, and needs more for everything.
local measured = has_proc and not (os.getenv "LD_PRELOAD" or ""):find "asan"

local function enough_descriptors(count)
  local pipe = io.popen "ulimit -n"
  local limit = tonumber(pipe:read "*a") or math.huge
  pipe:close()
  return limit >= count + 200
end

describe("a server under attack", function()
  after_each(function()
    session.close()
    process.close()
    certificates.remove_files()
  end)

  -- Starts one, with a proper client in it.
  local function start(...)
    local target = process.lua(here .. "support/target.lua", ...)
    local port = tonumber((target:expect "port (%d+)"))
    return port, target
  end

  local function ask(client)
    assert.equals(0, (client:put_packet "state"))
    local answer = session.receive(client, 1, { client })[1]
    local now, most, descriptors, longest, peers = answer:match "(%d+) (%d+) (%d+) ([%d.]+) (%d+)"
    return { now = tonumber(now), most = tonumber(most), descriptors = tonumber(descriptors),
      longest = tonumber(longest), peers = tonumber(peers) }
  end

  local function join(port)
    local client = session.client(port)
    wait.until_(function() return not tostring(client):find "connecting" end, { client })
    if not session.is_connected(client) then error("a proper client could not join: " .. client:get_last_error(), 2) end
    return client
  end

  -- Its memory, with one client in it and everything used once.
  local function calm(port)
    local client = join(port)
    raw.join(port, {}):close()
    for _ = 1, 3 do ask(client) end
    return client, ask(client)
  end

  local function grew(before, after, bound, what)
    if os.getenv "MEASURE" then print(("%-40s %7.0f KiB"):format(what, (after.most - before.most) / KIB)) end
    if measured and after.most - before.most > bound then
      error(("%s: memory grew by %.1f MiB, more than %.1f"):format(what, (after.most - before.most) / MIB, bound / MIB),
        2)
    end
  end

  local function connect(port, count, bytes)
    local connections = {}
    for i = 1, count do
      connections[i] = assert(raw.connect(port))
      if bytes then connections[i]:send(bytes) end
    end
    return connections
  end

  local function each(connections, method, ...)
    for _, connection in ipairs(connections) do connection[method](connection, ...) end
  end

  it("lets a proper client in while 1,000 others dawdle over their handshakes", function()
    if not enough_descriptors(1100) then return pending "not enough descriptors: ulimit -n" end
    local port = start()
    local client, before = calm(port)
    local slow = connect(port, 1000, "GET / HTTP/1.1\r\n")
    for i = 1, 10 do
      each(slow, "send", ("X-%d: y\r\n"):format(i))
      local started = wait.now()
      local proper = join(port)
      assert.is_true(wait.now() - started < 1, "it took long")
      proper:close()
    end
    local after = ask(client)
    assert.is_true(after.descriptors >= 1000)
    assert.is_true(after.longest < 0.5)
    grew(before, after, 4 * MIB, "1,000 slow handshakes")
    each(slow, "close")
  end)

  it("drops the oldest of more handshakes than max_pending_handshakes", function()
    local port = start "max_pending_handshakes=50"
    local client, before = calm(port)
    for _ = 1, 5 do
      local slow = connect(port, 100, ("GET / HTTP/1.1\r\nX: %s"):format(("y"):rep(4000)))
      join(port):close()
      assert.is_true(not has_proc or ask(client).descriptors < before.descriptors + 60)
      each(slow, "close")
    end
    grew(before, ask(client), 1 * MIB, "500 handshakes at max_pending_handshakes = 50")
  end)

  it("answers header bombs with 431 and keeps no more than 4096 bytes of each", function()
    local port = start()
    local client, before = calm(port)
    local bombs = connect(port, 200, "GET / HTTP/1.1\r\nX: " .. ("y"):rep(4000))
    local grown = ask(client)
    for _, bomb in ipairs(bombs) do bomb:send(("z"):rep(100000)) end
    for _, bomb in ipairs(bombs) do
      local head = bomb:read_head {}
      assert.equals(431, head and raw.status(head))
    end
    join(port)
    grew(before, grown, 4 * MIB, "200 heads of 4,000 bytes")
    grew(before, ask(client), 4 * MIB, "200 header bombs")
  end)

  -- Sends the bytes over and over for a while, reading nothing.
  local function flood(connections, bytes, times)
    for _ = 1, times do
      for _, connection in ipairs(connections) do
        local room = not connection.write_error and #connection.outbox < 200000
        if room then connection.outbox = connection.outbox .. bytes end
        local last, err, partial = connection.socket:send(connection.outbox)
        connection.outbox = connection.outbox:sub((last or partial or 0) + 1)
        if err and err ~= "timeout" then connection.write_error = err end
      end
    end
  end

  local function repeated(fields, times)
    fields.mask = frames.MASK
    return frames.build(fields):rep(times)
  end

  -- Frames by the hundred from clients that never read what they get for it.
  local FLOODS = {
    { "pings", repeated({ opcode = frames.PING, payload = ("p"):rep(125) }, 500) },
    { "empty pings", repeated({ opcode = frames.PING, payload = "" }, 5000) },
    { "pongs nobody asked for", repeated({ opcode = frames.PONG, payload = ("p"):rep(125) }, 500) },
    { "fragments of one byte", frames.build { opcode = frames.BINARY, fin = false, payload = "x", mask = frames.MASK },
      repeated({ opcode = frames.CONTINUATION, fin = false, payload = "x" }, 5000) },
    { "fragments of no bytes", frames.build { opcode = frames.BINARY, fin = false, payload = "", mask = frames.MASK },
      repeated({ opcode = frames.CONTINUATION, fin = false, payload = "" }, 5000) },
    { "messages of no bytes", repeated({ opcode = frames.BINARY, payload = "" }, 5000) },
    { "close frames", repeated({ opcode = frames.CLOSE, payload = frames.close_payload(1000, "") }, 5000) },
    { "heads of frames that promise much", frames.build({ opcode = frames.BINARY, payload = ("x"):rep(65535),
      mask = frames.MASK }):sub(1, 60000) },
  }
  for _, row in ipairs(FLOODS) do
    it("survives a flood of " .. row[1], function()
      local port = start()
      local client, before = calm(port)
      local attackers = {}
      for i = 1, 20 do
        attackers[i] = raw.join(port, {})
        attackers[i]:send(row[2])
      end
      local deadline, longest = wait.now() + 0.4, 0
      repeat
        flood(attackers, row[3] or row[2], 1)
        local asked = wait.now()
        ask(client)
        longest = math.max(longest, wait.now() - asked)
      until wait.now() > deadline
      join(port):close()
      grew(before, ask(client), 4 * MIB, "20 floods of " .. row[1])
      assert.is_true(longest < 1, ("an answer took %.2f s"):format(longest))
    end)
  end

  it("survives clients that come, and close, again and again", function()
    local port = start()
    local client, before = calm(port)
    for round = 1, 20 do
      local crowd = connect(port, 30, raw.request())
      for _, one in ipairs(crowd) do one:read_head {} end
      for i, one in ipairs(crowd) do
        if i % 3 == 0 then one:send_close(1000) elseif i % 3 == 1 then one:reset() end
        one:close()
      end
      if round % 5 == 0 then ask(client) end
    end
    wait.until_(function() return ask(client).peers == 1 end, { client })
    local after = ask(client)
    grew(before, after, 2 * MIB, "600 clients that come and go")
    assert.is_true(not has_proc or after.descriptors <= before.descriptors)
  end)

  it("keeps of a broadcast no more than outbound_buffer_size for each that does not read", function()
    local port = start()
    local client, before = calm(port)
    local idle = {}
    for i = 1, 20 do
      idle[i] = raw.join(port, {})
      system.small_buffer(idle[i].socket:getfd())
    end
    for _ = 1, 200 do assert.equals(0, (client:put_packet "all")) end
    wait.until_(function()
      client:get_packet()
      return client:get_available_packet_count() == 0
    end, { client })
    for _ = 1, 3 do
      client:put_packet "state"
      wait.until_(function()
        local packet = client:get_packet()
        return packet and #packet < 1000
      end, { client })
    end
    grew(before, ask(client), 20 * 192 * KIB, "20 that do not read 12 MB")
    join(port)
  end)

  it("lets only max_connections_per_address come from one address", function()
    if not assert(socket.tcp()):bind("127.0.0.2", 0) then return pending "no address 127.0.0.2" end
    local port = start "max_connections_per_address=5"
    local client, before = calm(port)
    local function attack(count)
      local connections = {}
      for i = 1, count do
        local sock = assert(socket.tcp())
        assert(sock:bind("127.0.0.2", 0))
        sock:settimeout(0)
        sock:connect("127.0.0.1", port)
        connections[i] = sock
      end
      return connections
    end
    for _ = 1, 10 do
      local connections = attack(100)
      join(port):close()
      assert.is_true(not has_proc or ask(client).descriptors <= before.descriptors + 6)
      for _, sock in ipairs(connections) do sock:close() end
    end
    grew(before, ask(client), 512 * KIB, "1,000 connections at max_connections_per_address = 5")
  end)

  it("bounds what TLS handshakes that never end take", function()
    local port = start("certificate=" .. certificates.path(certificates.good),
      "key=" .. certificates.path(certificates.good_key), "max_pending_handshakes=100")
    local client = session.peer()
    client:create_client("wss://localhost:" .. port, require("wsmultiplayer").TLSOptions.client(certificates.root))
    wait.until_(function() return not tostring(client):find "connecting" end, { client })
    assert.equals("", client:get_last_error())
    local before = ask(client)
    local hello = require("support.tls").client_hello()
    for _ = 1, 3 do
      local slow = connect(port, 100, hello)
      for _, one in ipairs(connect(port, 100, hello:sub(1, 50))) do slow[#slow + 1] = one end
      ask(client)
      each(slow, "close")
    end
    grew(before, ask(client), 12 * MIB, "100 TLS handshakes that never end")
  end)
end)

describe("on both classes of servers, max_connections_per_address", function()
  after_each(function()
    session.close()
    require("support.websocket").close()
  end)

  for _, kind in ipairs(require "support.servers") do
    it("counts pending and open connections, and may be changed at any time: " .. kind.name, function()
      local server, port, joined = kind.listen { max_connections_per_address = 2 }
      local function polled() server:poll() end
      local function come()
        local connection = assert(raw.connect(port))
        connection:send(raw.request())
        wait.until_(function() return connection:pump().ended or #connection.inbox > 0 end, { server })
        polled()
        joined()
        return connection, #connection.inbox > 0
      end
      local pending_one = raw.connect(port)
      wait.until_(function() server:poll() return true end, { server })
      local first, first_in = come()
      assert.is_true(first_in)
      local _, in_too = come()
      assert.is_false(in_too)
      pending_one:close()
      wait.quiet({ server }, 0.02)
      assert.is_true(select(2, come()))
      assert.is_false(select(2, come()))
      server.max_connections_per_address = 0
      assert.is_true(select(2, come()))
      assert.is_true(select(2, come()))
      server.max_connections_per_address = 4 -- those who are in are counted now
      assert.is_false(select(2, come()))
      first:close()
      wait.quiet({ server }, 0.02)
      joined()
      assert.is_true(select(2, come()))
      assert.is_false(select(2, come()))
      server.max_connections_per_address = 5
      assert.is_true(select(2, come()))
      assert.is_false(select(2, come()))
    end)
  end

  it("starts anew with the next server", function()
    local server, port = session.server { max_connections_per_address = 1 }
    local client = raw.join(port, { server })
    server:close()
    assert.equals(0, (server:create_server(0, "127.0.0.1")))
    assert.is_truthy(raw.join(server:get_bound_port(), { server }).id)
    assert.is_truthy(client:read_end({}))
  end)
end)

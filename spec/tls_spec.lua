-- TLS between our own peers, and what comes to a port that speaks another protocol. Against other implementations:
-- tls_interop_spec.lua and godot_spec.lua.
local ws = require "wsmultiplayer"
local certificates = require "support.certificates"
local child = require "support.child"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"
local websocket = require "support.websocket"

local TLSOptions = ws.TLSOptions
local DISCONNECTED, CONNECTING, CONNECTED = 0, 1, 2

local function collect()
  collectgarbage()
  collectgarbage()
end

-- A server with this certificate, by its name or as TLSOptions: the peer and its port.
local function start_server(certificate, properties, address)
  local server = session.peer(properties)
  local options = type(certificate) == "string" and certificates.server(certificate) or certificate
  local err, why = server:create_server(0, address or "127.0.0.1", options)
  if err ~= ws.OK then error("create_server: " .. tostring(why), 2) end
  return server, server:get_bound_port()
end

local function start_client(port, options, host, properties)
  local client = session.peer(properties)
  local err, why = client:create_client(("wss://%s:%d"):format(host or "localhost", port), options)
  if err ~= ws.OK then error("create_client: " .. tostring(why), 2) end
  return client
end

-- Waits until the client is in or has given up; gives whether it is in.
local function outcome(server, client)
  wait.until_(function() return client:get_connection_status() ~= CONNECTING end, { server, client })
  return session.is_connected(client)
end

local function join(server, options, host, properties)
  local client = start_client(server:get_bound_port(), options, host, properties)
  if not outcome(server, client) then error("refused: " .. client:get_last_error(), 2) end
  wait.until_(function() return #server:get_peers() > 0 end, { server, client })
  return client, client:get_unique_id()
end

local function trusting() return TLSOptions.client(certificates.root) end

local function pair(server_properties, client_properties)
  local server = start_server("good", server_properties)
  return server, join(server, trusting(), nil, client_properties)
end

local function clean_up()
  session.close()
  websocket.close()
  certificates.remove_files()
end

local all_bytes = {}
for i = 0, 255 do all_bytes[i + 1] = string.char(i * 7 % 256) end
all_bytes = table.concat(all_bytes):rep(300)

-- Bytes of every value, different for each number.
local function content(number, size)
  local text, at = ("%08d"):format(number), number % 256
  if size - 8 > #all_bytes - at then return text .. all_bytes:rep(math.ceil(size / #all_bytes)):sub(1, size - 8) end
  return text .. all_bytes:sub(at + 1, at + size - 8)
end

-- A TLS 1.2 and 1.3 ClientHello for localhost without key shares, as it is sent on the wire.
local function client_hello()
  local function block(size, bytes)
    local length = ""
    for i = size - 1, 0, -1 do length = length .. string.char(math.floor(#bytes / 256 ^ i) % 256) end
    return length .. bytes
  end
  local name = "\0\0" .. block(2, block(2, "\0" .. block(2, "localhost")))
  local groups = "\0\10" .. block(2, block(2, "\0\23"))
  local formats = "\0\11" .. block(2, block(1, "\0"))
  local signatures = "\0\13" .. block(2, block(2, "\4\3\8\4\4\1"))
  local body = "\3\3" .. ("R"):rep(32) .. block(1, "") .. block(2, "\192\43\192\47") .. block(1, "\0") ..
    block(2, name .. groups .. formats .. signatures)
  return "\22\3\1" .. block(2, "\1" .. block(3, body))
end

describe("TLSOptions", function()
  it("tell what they were made from", function()
    local options = TLSOptions.client("chain", "name")
    assert.is_false(options:is_server())
    assert.is_false(options:is_unsafe_client())
    assert.equals("chain", options:get_trusted_ca_chain())
    assert.equals("name", options:get_common_name_override())
    assert.is_nil(options:get_private_key())
    assert.is_nil(options:get_own_certificate())
    options = TLSOptions.client()
    assert.is_false(options:is_server())
    assert.is_false(options:is_unsafe_client())
    assert.is_nil(options:get_trusted_ca_chain())
    assert.equals("", options:get_common_name_override())
    options = TLSOptions.client_unsafe("chain")
    assert.is_false(options:is_server())
    assert.is_true(options:is_unsafe_client())
    assert.equals("chain", options:get_trusted_ca_chain())
    assert.equals("", options:get_common_name_override())
    assert.is_true(TLSOptions.client_unsafe():is_unsafe_client())
    assert.is_nil(TLSOptions.client_unsafe():get_trusted_ca_chain())
    options = TLSOptions.server("key", "certificate")
    assert.is_true(options:is_server())
    assert.is_false(options:is_unsafe_client())
    assert.equals("key", options:get_private_key())
    assert.equals("certificate", options:get_own_certificate())
    assert.is_nil(options:get_trusted_ca_chain())
    assert.equals("", options:get_common_name_override())
  end)

  it("say their kind, and nothing secret, in tostring", function()
    assert.matches("^TLSOptions: .*%(client%)$", tostring(TLSOptions.client()))
    assert.matches("^TLSOptions: .*%(unsafe client%)$", tostring(TLSOptions.client_unsafe()))
    assert.matches("^TLSOptions: .*%(server%)$", tostring(TLSOptions.server("hidden key", "certificate")))
    assert.is_nil(tostring(TLSOptions.server("hidden key", "certificate")):find "hidden")
  end)

  it("cannot be made or changed otherwise", function()
    local options = TLSOptions.client()
    assert.has_error(function() options.common_name = "x" end)
    assert.has_error(function() return options.common_name end)
    assert.has_error(function() return TLSOptions.new() end)
  end)

  it("take texts, and name the argument that is none", function()
    for _, case in ipairs {
      { "client", 1, true }, { "client", 1, {} }, { "client", 2, "chain", {} }, { "client_unsafe", 1, {} },
      { "server", 1, {} }, { "server", 2, "key", false }, { "client", 1, "a\0b" }, { "client", 2, nil, "a\0b" },
      { "server", 1, "a\0b" },
    } do
      local ok, why = pcall(TLSOptions[case[1]], case[3], case[4])
      assert.is_false(ok)
      assert.matches("#" .. case[2], why, 1, true)
    end
  end)

  local function refuses(object, method, ...)
    local err, why = object[method](object, ...)
    assert.equals(ws.ERR_INVALID_PARAMETER, err)
    assert.is_true(#why > 0)
  end

  it("of the wrong kind are answered with 31", function()
    local server_options = certificates.server "good"
    local peer, alone, listener = session.peer(), websocket.peer(), websocket.new_server()
    for _, options in ipairs { TLSOptions.client(), TLSOptions.client_unsafe() } do
      refuses(peer, "create_server", 0, "127.0.0.1", options)
      refuses(listener, "listen", 0, "127.0.0.1", options)
      assert.is_false(listener:is_listening())
    end
    for _, scheme in ipairs { "ws", "wss" } do
      refuses(peer, "create_client", scheme .. "://127.0.0.1:9", server_options)
      refuses(alone, "connect_to_url", scheme .. "://127.0.0.1:9", server_options)
    end
    assert.equals(DISCONNECTED, peer:get_connection_status())
    assert.equals(websocket.CLOSED, alone:get_ready_state())
    clean_up()
  end)

  it("of no kind raise", function()
    for _, wrong in ipairs { true, 1, "client", {}, session.peer() } do
      assert.has_error(function() session.peer():create_server(0, "127.0.0.1", wrong) end)
      assert.has_error(function() session.peer():create_client("wss://127.0.0.1:9", wrong) end)
      assert.has_error(function() websocket.peer():connect_to_url("wss://127.0.0.1:9", wrong) end)
      assert.has_error(function() websocket.new_server():listen(0, "127.0.0.1", wrong) end)
    end
    clean_up()
  end)

  it("may be dropped and collected while they are used", function()
    local server = session.peer()
    assert.equals(ws.OK, (server:create_server(0, "127.0.0.1", certificates.server "good")))
    collect()
    local clients = {}
    for i = 1, 3 do
      clients[i] = start_client(server:get_bound_port(), trusting())
      collect()
    end
    for _, client in ipairs(clients) do assert.is_true(outcome(server, client), client:get_last_error()) end
    collect()
    server:put_packet("to all")
    for _, client in ipairs(clients) do
      assert.same({ "to all" }, (session.receive(client, 1, { server, client })))
    end
    clean_up()
  end)

  it("may be shared by servers and clients", function()
    local options, client_options = certificates.server "good", trusting()
    local one, other = start_server(options), start_server(options)
    local a, b = join(one, client_options), join(other, client_options)
    one:close()
    local c = join(other, client_options)
    wait.until_(function() return session.is_disconnected(a) end, { a })
    for _, client in ipairs { b, c } do assert.is_true(session.is_connected(client)) end
    clean_up()
  end)
end)

describe("a server's key and certificate", function()
  after_each(clean_up)

  local GARBAGE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
  local GARBAGE_KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"

  for title, case in pairs {
    ["that do not belong together"] = { certificates.good_key, certificates.wrong, "key.*certificate" },
    ["that do not belong together, RSA and EC"] = { certificates.rsa_key, certificates.good, "key.*certificate" },
    ["that are none"] = { nil, nil, "certificate" },
    ["without a key"] = { nil, certificates.good, "key" },
    ["without a certificate"] = { certificates.good_key, nil, "certificate" },
    ["with an empty key"] = { "", certificates.good, "key" },
    ["that were exchanged"] = { certificates.good, certificates.good_key, "certificate" },
    ["whose files are missing"] = { "no-such.key", "no-such.pem", "no%-such%.pem.*No such file" },
    ["whose key's file is missing"] = { "no-such.key", certificates.good, "no%-such%.key.*No such file" },
    ["in a file with a name of 10000 bytes"] = { ("k"):rep(10000), certificates.good, "key" },
    ["that are a folder"] = { ".", ".", "certificate" },
    ["with garbage for a certificate"] = { certificates.good_key, GARBAGE, "certificate" },
    ["with garbage for a key"] = { GARBAGE_KEY, certificates.good, "key" },
    ["with a key that was cut short"] = { certificates.good_key:sub(1, 90), certificates.good, "key" },
    ["with a certificate that was cut short"] = { certificates.good_key, certificates.good:sub(1, 200), "certificate" },
    ["with a chain in the wrong order"] = { certificates.deep_key, certificates.intermediate .. certificates.deep,
      "key.*certificate" },
  } do
    it(title .. " are answered with 31 and a text", function()
      local port = raw.free_port()
      local options = TLSOptions.server(case[1], case[2])
      local peer, listener = session.peer(), websocket.new_server()
      local err, why = peer:create_server(port, "127.0.0.1", options)
      assert.equals(ws.ERR_INVALID_PARAMETER, err)
      assert.matches(case[3], why)
      assert.equals(why, peer:get_last_error())
      assert.equals(DISCONNECTED, peer:get_connection_status())
      err, why = listener:listen(port, "127.0.0.1", options)
      assert.equals(ws.ERR_INVALID_PARAMETER, err)
      assert.matches(case[3], why)
      assert.is_false(listener:is_listening())
      -- The port is free, and the peer can be used at once.
      assert.is_false((raw.reachable(port, "127.0.0.1")))
      assert.equals(ws.OK, (peer:create_server(port, "127.0.0.1", certificates.server "good")))
      join(peer, trusting())
    end)
  end

  it("are told apart: nothing of a key is in the text", function()
    local _, why = session.peer():create_server(0, "127.0.0.1",
      TLSOptions.server(certificates.good_key, certificates.wrong))
    for line in certificates.good_key:gmatch "[^\n]+" do assert.is_nil(why:find(line, 1, true)) end
  end)

  for title, make in pairs {
    ["as texts"] = function(pem) return pem end,
    ["as texts with other lines around them"] = function(pem) return "Subject: x\r\n" .. pem .. "and more\n" end,
    ["as texts with \\r\\n"] = function(pem) return (pem:gsub("\n", "\r\n")) end,
    ["as files"] = certificates.path,
  } do
    for _, name in ipairs { "good", "rsa", "chain" } do
      it(("%s: %s"):format(title, name), function()
        local server = start_server(TLSOptions.server(make(certificates[name .. "_key"]), make(certificates[name])))
        join(server, TLSOptions.client(make(certificates.root)))
      end)
    end
  end

  it("in files that are removed after create_server", function()
    local server = start_server(TLSOptions.server(certificates.path(certificates.good_key),
      certificates.path(certificates.good)))
    certificates.remove_files()
    join(server, trusting())
    join(server, trusting())
  end)

  it("both in one text", function()
    local both = certificates.good_key .. certificates.good
    join(start_server(TLSOptions.server(both, both)), trusting())
  end)
end)

describe("a client", function()
  after_each(clean_up)

  local two_roots = certificates.other_root .. certificates.root
  local with_intermediate = certificates.intermediate .. certificates.root

  -- The server's certificate, the client's options, the host, and the words of the refusal if it is one.
  for title, case in pairs {
    ["takes a certificate by its authority"] = { "good", { certificates.root } },
    ["takes an RSA certificate"] = { "rsa", { certificates.root } },
    ["takes a chain with an intermediate"] = { "chain", { certificates.root } },
    ["takes a chain by the intermediate and the root"] = { "chain", { with_intermediate } },
    ["takes a leaf alone when it has the intermediate itself"] = { "deep", { with_intermediate } },
    ["takes one of several authorities"] = { "good", { two_roots } },
    ["takes the other of several authorities"] = { "unknown", { two_roots } },
    ["takes a self-signed certificate that it trusts"] = { "self", { certificates.self } },
    ["takes an authority's certificate used by a server"] = { "root", { certificates.root, "*" }, nil, "host" },
    ["takes an address in the certificate"] = { "good", { certificates.root }, "127.0.0.1" },
    ["takes another name instead of the host's"] = { "wrong", { certificates.root, "other.example" } },
    ["takes another name that is not the first"] = { "good", { certificates.root, "game.example" } },
    ["takes another name in capitals"] = { "good", { certificates.root, "GAME.Example" } },
    ["takes a name that a wildcard covers"] = { "good", { certificates.root, "a.wild.example" } },
    ["takes another name for an address"] = { "named", { certificates.root, "localhost" }, "127.0.0.1" },
    ["takes an address as the other name"] = { "good", { certificates.root, "127.0.0.1" } },
    ["takes an empty other name as none"] = { "good", { certificates.root, "" } },

    ["refuses an expired certificate"] = { "expired", { certificates.root }, nil, "expired" },
    ["refuses a certificate of the future"] = { "future", { certificates.root }, nil, "not yet valid" },
    ["refuses one for another host"] = { "wrong", { certificates.root }, nil, "[Hh]ost ?name mismatch" },
    ["refuses an address that is not in it"] = { "named", { certificates.root }, "127.0.0.1", "mismatch" },
    ["refuses the host when another name was asked for"] =
      { "named", { certificates.root, "other.example" }, nil, "[Hh]ost ?name mismatch" },
    ["refuses a name with a zero of a wildcard's depth"] =
      { "good", { certificates.root, "a.b.wild.example" }, nil, "[Hh]ost ?name mismatch" },
    ["refuses a part of a name"] = { "good", { certificates.root, "localhos" }, nil, "[Hh]ost ?name mismatch" },
    ["refuses an address with another one in it"] =
      { "good", { certificates.root, "127.0.0.2" }, nil, "mismatch" },
    ["refuses an unknown authority"] = { "unknown", { certificates.root }, nil, "issuer certificate" },
    ["refuses a leaf without its intermediate"] = { "deep", { certificates.root }, nil, "issuer certificate" },
    ["refuses a self-signed certificate"] = { "self", { certificates.root }, nil, "self[- ]signed" },
    ["refuses what the system's authorities do not know"] = { "good", {}, nil, "issuer certificate" },
    ["refuses a self-signed one by the system's authorities"] = { "self", {}, nil, "self[- ]signed" },
    ["without options refuses what the system does not know"] = { "good", nil, nil, "issuer certificate" },
    ["without options refuses a self-signed one"] = { "self", nil, nil, "self[- ]signed" },
  } do
    it(title, function()
      local name, options, host, refusal = case[1], case[2], case[3], case[4]
      local server = start_server(name)
      local told = session.record(server)
      local client = start_client(server:get_bound_port(), options and TLSOptions.client(options[1], options[2]), host)
      local events = session.record(client)
      if refusal then
        assert.is_false(outcome(server, client))
        assert.matches("certificate", client:get_last_error())
        assert.matches(refusal, client:get_last_error())
        assert.equals(0, client:get_unique_id())
        assert.equals("", events.names())
        wait.turn({ server }, 1)
        assert.equals("", told.names())
        assert.equals(CONNECTED, server:get_connection_status())
      else
        assert.is_true(outcome(server, client), client:get_last_error())
        session.event(told, 1, { server, client })
        client:put_packet("hello")
        assert.same({ "hello" }, (session.receive(server, 1, { server, client })))
      end
    end)
  end

  for title, case in pairs {
    ["takes what is right"] = { "good" },
    ["takes another host"] = { "wrong" },
    ["takes an unknown authority"] = { "unknown" },
    ["takes a self-signed certificate"] = { "self" },
    ["takes an expired certificate"] = { "expired" },
    ["takes one of the future"] = { "future" },
    ["takes a leaf without its intermediate"] = { "deep" },
    ["with authorities takes another host"] = { "wrong", certificates.root },
    ["with authorities takes a chain"] = { "chain", certificates.root },
    ["with authorities takes a self-signed one among them"] = { "self", certificates.root .. certificates.self },
    ["with authorities refuses an unknown one"] = { "unknown", certificates.root, "issuer certificate" },
    ["with authorities refuses an expired certificate"] = { "expired", certificates.root, "expired" },
    ["with authorities refuses a self-signed one"] = { "self", certificates.root, "self[- ]signed" },
    ["with authorities refuses a leaf without its intermediate"] = { "deep", certificates.root, "issuer certificate" },
  } do
    it("that is unsafe " .. title, function()
      for _, host in ipairs { "localhost", "127.0.0.1" } do
        local server = start_server(case[1])
        local client = start_client(server:get_bound_port(), TLSOptions.client_unsafe(case[2]), host)
        assert.equals(not case[3], outcome(server, client), client:get_last_error())
        if case[3] then assert.matches(case[3], client:get_last_error()) end
      end
    end)
  end

  it("takes its authorities from a file that may change later", function()
    local server = start_server "good"
    local options = TLSOptions.client(certificates.path(certificates.root))
    join(server, options)
    certificates.remove_files()
    local err, why = session.peer():create_client("wss://localhost:" .. server:get_bound_port(), options)
    assert.equals(ws.ERR_INVALID_PARAMETER, err)
    assert.matches("No such file", why)
  end)

  it("with authorities that are none is answered 31, or fails in words", function()
    local server = start_server "good"
    local url = "wss://localhost:" .. server:get_bound_port()
    for _, wrong in ipairs { "no-such.pem", "", ".", certificates.root_key } do
      local err, why = session.peer():create_client(url, TLSOptions.client(wrong))
      assert.equals(ws.ERR_INVALID_PARAMETER, err)
      assert.matches("trusted certificates", why)
    end
    for _, garbage in ipairs {
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----",
    } do
      local client = session.peer()
      if client:create_client(url, TLSOptions.client(garbage)) == ws.OK then
        assert.is_false(outcome(server, client))
      end
      assert.matches("certificate", client:get_last_error())
    end
  end)

  it("is not let off by one that was unsafe before", function()
    local server = start_server "unknown"
    join(server, TLSOptions.client_unsafe())
    for _ = 1, 3 do
      assert.is_false(outcome(server, start_client(server:get_bound_port(), trusting())))
      assert.is_false(outcome(server, start_client(server:get_bound_port())))
      join(server, TLSOptions.client_unsafe())
    end
  end)

  it("that was refused can be used again", function()
    local server, other = start_server "unknown", start_server "good"
    local client = start_client(server:get_bound_port(), trusting())
    assert.is_false(outcome(server, client))
    assert.equals(ws.OK, (client:create_client("wss://localhost:" .. other:get_bound_port(), trusting())))
    assert.equals("", client:get_last_error())
    assert.is_true(outcome(other, client), client:get_last_error())
  end)

  if raw.has_ipv6() then
    it("with an IPv6 address needs another name to verify", function()
      local server = start_server("good", nil, "::1")
      local url = "wss://[::1]:" .. server:get_bound_port()
      for _, options in ipairs { false, trusting() } do
        local err, why = session.peer():create_client(url, options or nil)
        assert.equals(ws.ERR_INVALID_PARAMETER, err)
        assert.matches("IPv6", why)
      end
      join(server, TLSOptions.client(certificates.root, "localhost"), "[::1]")
      join(server, TLSOptions.client_unsafe(), "[::1]")
      join(server, TLSOptions.client_unsafe(certificates.root), "[::1]")
      local client = start_client(server:get_bound_port(), TLSOptions.client(certificates.root, "x.example"), "[::1]")
      assert.is_false(outcome(server, client))
    end)
  else
    pending("with an IPv6 address (this machine has no IPv6)")
  end

  it("alone verifies as well", function()
    local server = websocket.new_server()
    assert.equals(ws.OK, (server:listen(0, "127.0.0.1", certificates.server "good")))
    local url = ("wss://localhost:%d/path"):format(server:get_local_port())
    local client = websocket.peer()
    assert.equals(ws.OK, (client:connect_to_url(url, trusting())))
    websocket.reach(client, websocket.OPEN, { server, client })
    local other = websocket.take(server, { server, client })
    assert.equals(url, client:get_requested_url())
    assert.equals(url, other:get_requested_url())
    client:send_text("gr\195\188n")
    assert.same({ "gr\195\188n" }, (websocket.receive(other, 1, { server, client })))
    assert.is_true(other:was_string_packet())
    other:close(4003, "enough")
    websocket.reach(client, websocket.CLOSED, { server, client })
    assert.equals(4003, client:get_close_code())
    assert.equals("enough", client:get_close_reason())
    for refusal, options in pairs {
      ["issuer certificate"] = TLSOptions.client(certificates.other_root),
      ["mismatch"] = TLSOptions.client(certificates.root, "x.example"),
    } do
      assert.equals(ws.OK, (client:connect_to_url(url, options)))
      websocket.reach(client, websocket.CLOSED, { server, client })
      assert.matches(refusal, client:get_last_error())
      assert.equals(-1, client:get_close_code())
    end
    assert.is_false(server:is_connection_available())
  end)
end)

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
    for polls = 0, 12 do
      for _, options in ipairs { trusting(), false } do
        local client = ws.WebSocketMultiplayerPeer.new()
        client:create_client("wss://localhost:" .. server:get_bound_port(), options or nil)
        for _ = 1, polls do
          client:poll(polls > 8 and 0.002 or 0)
          server:poll()
        end
        if polls % 2 == 0 then client:close() end
        client = nil -- luacheck: ignore
        collect()
        server:poll()
      end
    end
    wait.until_(function() return #server:get_peers() == 0 end, { server })
    join(server, trusting())
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
end)

describe("what does not speak TLS on a wss port", function()
  after_each(clean_up)

  local server, inside

  before_each(function()
    server = start_server "good"
    inside = join(server, trusting())
  end)

  local function nobody_was_harmed()
    inside:put_packet("still here")
    assert.same({ "still here" }, (session.receive(server, 1, { server, inside })))
    assert.equals(1, #server:get_peers())
    join(server, trusting())
  end

  for title, bytes in pairs {
    ["an HTTP request"] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ["a WebSocket request"] = raw.request(),
    ["a POST with a body"] = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
    ["zeros"] = ("\0"):rep(500),
    ["bytes of all kinds"] = content(1, 5000),
    ["a TLS alert"] = "\21\3\3\0\2\2\40",
    ["a hello that is none"] = "\22\3\1\0\5\2\0\0\1\255",
    ["a record that is too large"] = "\22\3\1\255\255" .. ("x"):rep(1000),
    ["application data first"] = "\23\3\3\0\5hello",
    ["an old SSL 2 hello"] = "\128\46\1\3\1\0\21\0\0\0\16" .. ("x"):rep(40),
  } do
    it("ends promptly: " .. title, function()
      local connection = raw.connect(server:get_bound_port())
      connection:send(bytes)
      local started = wait.now()
      connection:read_end({ server })
      assert.is_true(wait.now() - started < 1.5, "took " .. (wait.now() - started))
      assert.is_nil(connection:unread():find("101", 1, true))
      nobody_was_harmed()
    end)
  end

  it("ends at the time limit when it says nothing, or only half of it", function()
    server.handshake_timeout = 0.3
    local hello = client_hello()
    local port = server:get_bound_port()
    local silent, half, complete, trickling =
      raw.connect(port), raw.connect(port), raw.connect(port), raw.connect(port)
    half:send(hello:sub(1, 20))
    complete:send(hello)
    local started, at = wait.now(), 1
    wait.until_(function()
      trickling:send(hello:sub(at, at))
      at = at + 1
      for _, connection in ipairs { silent, half, complete, trickling } do
        if not connection:pump().ended then return false end
      end
      return true
    end, { server }, 3)
    assert.is_true(wait.now() - started < 2)
    -- The one whose hello was complete was answered.
    assert.equals(22, complete:unread():byte(1))
    nobody_was_harmed()
  end)

  it("ends when the client goes away at any point of its hello", function()
    local hello = client_hello()
    for size = 0, #hello, 9 do
      local connection = raw.connect(server:get_bound_port())
      connection:send(hello:sub(1, size))
      server:poll()
      if size % 2 == 0 then connection:reset() else connection:close() end
      server:poll()
    end
    nobody_was_harmed()
  end)

  it("ends a ws:// client of ours, with a reason", function()
    local client = session.client(server:get_bound_port())
    local started = wait.now()
    assert.is_false(outcome(server, client))
    assert.is_true(wait.now() - started < 1.5)
    assert.is_true(#client:get_last_error() > 0)
    local alone = websocket.connect(server:get_bound_port())
    websocket.reach(alone, websocket.CLOSED, { server, alone })
    assert.is_true(#alone:get_last_error() > 0)
    nobody_was_harmed()
  end)
end)

describe("TLS on a ws port", function()
  after_each(clean_up)

  local server, inside

  before_each(function()
    server = session.server()
    inside = session.join(server)
  end)

  local function nobody_was_harmed()
    inside:put_packet("still here")
    assert.same({ "still here" }, (session.receive(server, 1, { server, inside })))
    assert.equals(1, #server:get_peers())
    session.join(server)
  end

  it("a ClientHello ends promptly", function()
    local connection = raw.connect(server:get_bound_port())
    connection:send(client_hello())
    local started = wait.now()
    connection:read_end({ server })
    assert.is_true(wait.now() - started < 1.5, "took " .. (wait.now() - started))
    nobody_was_harmed()
  end)

  it("a wss:// client of ours ends promptly with a reason", function()
    for _, options in ipairs { trusting(), TLSOptions.client_unsafe() } do
      local client = start_client(server:get_bound_port(), options)
      local started = wait.now()
      assert.is_false(outcome(server, client))
      assert.is_true(wait.now() - started < 1.5)
      assert.matches("TLS", client:get_last_error())
      local alone = websocket.peer()
      alone:connect_to_url("wss://localhost:" .. server:get_bound_port(), options)
      websocket.reach(alone, websocket.CLOSED, { server, alone })
      assert.matches("TLS", alone:get_last_error())
    end
    nobody_was_harmed()
  end)
end)

describe("http_proxy in the environment", function()
  after_each(clean_up)

  it("diverts nobody, neither ws nor wss, alone or multiplayer", function()
    local proxy = raw.listen()
    local address = "http://127.0.0.1:" .. proxy.port
    local output = child.run(([[
      local ws = require "wsmultiplayer"
      local key, certificate, root = %q, %q, %q
      for _, scheme in ipairs { "ws", "wss" } do
        local secure = scheme == "wss"
        local server = ws.WebSocketMultiplayerPeer.new()
        assert(server:create_server(0, "127.0.0.1", secure and ws.TLSOptions.server(key, certificate) or nil) == 0)
        local url = ("%%s://localhost:%%d"):format(scheme, server:get_bound_port())
        local options = secure and ws.TLSOptions.client(root) or nil
        local client, alone = ws.WebSocketMultiplayerPeer.new(), ws.WebSocketPeer.new()
        assert(client:create_client(url, options) == 0 and alone:connect_to_url(url, options) == 0)
        for _ = 1, 2000 do
          server:poll(0.001) client:poll(0.001) alone:poll(0.001)
          if client:get_connection_status() == 2 and alone:get_ready_state() == 1 then break end
        end
        print(scheme, client:get_connection_status(), alone:get_ready_state(), client:get_last_error())
      end
    ]]):format(certificates.good_key, certificates.good, certificates.root), {
      http_proxy = address, https_proxy = address, HTTP_PROXY = address, HTTPS_PROXY = address, all_proxy = address,
      ALL_PROXY = address, socks_proxy = "127.0.0.1:" .. proxy.port,
    })
    assert.matches("ws\t2\t1\t\nwss\t2\t1\t\n", output)
    assert.is_nil((proxy.socket:accept()))
  end)
end)

-- TLSOptions, keys and certificates, and whom a client trusts. Over TLS: tls_traffic_spec.lua; against other
-- implementations: tls_interop_spec.lua and godot_spec.lua.
local ws = require "wsmultiplayer"
local certificates = require "support.certificates"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"
local websocket = require "support.websocket"
local tls = require "support.tls"

local TLSOptions = ws.TLSOptions
local DISCONNECTED, CONNECTED = 0, 2
local collect, start_server, start_client = tls.collect, tls.start_server, tls.start_client
local outcome, join = tls.outcome, tls.join
local trusting, clean_up = tls.trusting, tls.clean_up

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

local ws = require "wsmultiplayer"
local call = require "support.call"
local session = require "support.session"

-- name, default, another good value
local NUMBERS = {
  { "inbound_buffer_size", 65535, 1000 },
  { "outbound_buffer_size", 65535, 2000 },
  { "max_queued_packets", 2048, 7 },
  { "handshake_timeout", 3.0, 1.5 },
  { "transfer_mode", 2, 0 },
  { "transfer_channel", 0, 3 },
  { "encode_buffer_max_size", 8388608, 4096 },
  { "max_pending_handshakes", 1024, 5 },
  { "max_connections_per_address", 0, 8 },
}

local ARRAYS = { "supported_protocols", "handshake_headers" }

local function message_of(fn)
  local ok, err = pcall(fn)
  assert.is_false(ok, "should have raised")
  return tostring(err)
end

local function method_message(...)
  local ok, err = call(...)
  assert.is_false(ok, "should have raised")
  return tostring(err)
end

describe("a property of WebSocketMultiplayerPeer", function()
  local peer

  before_each(function() peer = session.peer() end)
  after_each(session.close)

  for _, row in ipairs(NUMBERS) do
    local name, default, other = row[1], row[2], row[3]
    local getter, setter = "get_" .. name, "set_" .. name

    describe(name, function()
      it("has Godot's default", function()
        assert.equals(default, peer[name])
        assert.equals(default, peer[getter](peer))
      end)

      it("is set as a field", function()
        peer[name] = other
        assert.equals(other, peer[name])
        assert.equals(other, peer[getter](peer))
      end)

      it("is set by its method", function()
        peer[setter](peer, other)
        assert.equals(other, peer[name])
      end)

      it("belongs to one object only", function()
        peer[name] = other
        assert.equals(default, session.peer()[name])
      end)

      it("survives create_server() and close()", function()
        peer[name] = other
        assert.equals(ws.OK, (peer:create_server(0, "127.0.0.1")))
        assert.equals(other, peer[name])
        peer:close()
        assert.equals(other, peer[name])
      end)

      it("raises for a wrong type, with the position or with its name", function()
        for _, wrong in ipairs { "x", {}, true, print } do
          assert.matches("bad argument #1 to '" .. setter .. "' %(number expected, got " .. type(wrong) .. "%)",
            method_message(peer, setter, wrong))
          assert.matches(name, message_of(function() peer[name] = wrong end), 1, true)
        end
        assert.matches("bad argument #1 to '" .. setter .. "'", method_message(peer, setter))
        assert.matches(name, message_of(function() peer[name] = nil end), 1, true)
        assert.equals(default, peer[name])
      end)
    end)
  end

  describe("refuse_new_connections", function()
    it("is false at first, and has Godot's getter", function()
      assert.is_false(peer.refuse_new_connections)
      assert.is_false(peer:is_refusing_new_connections())
    end)

    it("is set as a field and by its method", function()
      peer.refuse_new_connections = true
      assert.is_true(peer:is_refusing_new_connections())
      peer:set_refuse_new_connections(false)
      assert.is_false(peer.refuse_new_connections)
    end)

    it("survives create_server() and close()", function()
      peer.refuse_new_connections = true
      assert.equals(ws.OK, (peer:create_server(0, "127.0.0.1")))
      peer:close()
      assert.is_true(peer.refuse_new_connections)
    end)

    it("raises for what is no boolean", function()
      for _, wrong in ipairs { "x", 1, {}, print } do
        assert.matches("bad argument #1 to 'set_refuse_new_connections' %(boolean expected, got " .. type(wrong),
          method_message(peer, "set_refuse_new_connections", wrong))
        assert.matches("refuse_new_connections", message_of(function() peer.refuse_new_connections = wrong end))
      end
      assert.is_false(peer.refuse_new_connections)
    end)
  end)

  describe("autoflush", function()
    it("is true at first, is set, and takes booleans only", function()
      assert.is_true(peer.autoflush)
      peer.autoflush = false
      assert.is_false(peer.autoflush)
      assert.matches("autoflush", message_of(function() peer.autoflush = 1 end))
      peer:close()
      assert.is_false(peer.autoflush)
    end)
  end)

  for _, name in ipairs(ARRAYS) do
    local getter, setter = "get_" .. name, "set_" .. name

    describe(name, function()
      it("is empty at first", function()
        assert.same({}, peer[name])
        assert.same({}, peer[getter](peer))
      end)

      it("is set as a field and by its method", function()
        peer[name] = { "A: 1", "B: 2" }
        assert.same({ "A: 1", "B: 2" }, peer[getter](peer))
        peer[setter](peer, { "C: 3" })
        assert.same({ "C: 3" }, peer[name])
        peer[name] = {}
        assert.same({}, peer[name])
      end)

      it("is copied in and out", function()
        local given = { "A: 1" }
        peer[name] = given
        given[1] = "changed"
        given[2] = "more"
        assert.same({ "A: 1" }, peer[name])
        local taken = peer[name]
        taken[1] = "changed"
        assert.same({ "A: 1" }, peer[name])
        assert.are_not.equal(peer[name], peer[name])
      end)

      it("keeps its order and many entries", function()
        local many = {}
        for i = 1, 200 do many[i] = "X-" .. i .. ": " .. i end
        peer[name] = many
        assert.same(many, peer[name])
      end)

      it("survives create_server() and close()", function()
        peer[name] = { "A:1" }
        if name == "supported_protocols" then peer[name] = { "a1" } end
        local kept = peer[name]
        assert.equals(ws.OK, (peer:create_server(0, "127.0.0.1")))
        peer:close()
        assert.same(kept, peer[name])
      end)

      it("names the index of an entry that is no string, and stays as it was", function()
        peer[name] = { "A: 1" }
        for _, wrong in ipairs { 1, true, {}, print } do
          local as_field = message_of(function() peer[name] = { "x", "y", wrong } end)
          assert.matches(name, as_field, 1, true)
          assert.matches("3", as_field, 1, true)
          assert.matches(type(wrong), as_field, 1, true)
          local as_method = method_message(peer, setter, { "x", wrong })
          assert.matches("bad argument #1 to '" .. setter .. "'", as_method)
          assert.matches("2", as_method, 1, true)
        end
        assert.same({ "A: 1" }, peer[name])
      end)

      it("refuses tables that are no sequences", function()
        peer[name] = { "A: 1" }
        assert.matches(name, message_of(function() peer[name] = { key = "x" } end), 1, true)
        assert.matches(name, message_of(function() peer[name] = { [1] = "x", [3] = "z" } end), 1, true)
        assert.same({ "A: 1" }, peer[name])
      end)

      it("raises for what is no table", function()
        for _, wrong in ipairs { 1, "x", true, print } do
          assert.matches("bad argument #1 to '" .. setter .. "' %(table expected, got " .. type(wrong) .. "%)",
            method_message(peer, setter, wrong))
          assert.matches(name, message_of(function() peer[name] = wrong end), 1, true)
        end
      end)
    end)
  end

  it("supported_protocols strips white space around each entry", function()
    peer.supported_protocols = { " alpha", "beta\t", "  gamma  " }
    assert.same({ "alpha", "beta", "gamma" }, peer.supported_protocols)
  end)

  it("handshake_timeout refuses zero and less, and the old value stays", function()
    peer.handshake_timeout = 2
    for _, bad in ipairs { 0, -1, -0.5 } do
      pcall(function() peer.handshake_timeout = bad end)
      assert.equals(2, peer.handshake_timeout)
      pcall(peer.set_handshake_timeout, peer, bad)
      assert.equals(2, peer:get_handshake_timeout())
    end
  end)

  it("handshake_timeout is not harmed by numbers that are no time", function()
    for _, bad in ipairs { 0 / 0, -1 / 0 } do
      pcall(function() peer.handshake_timeout = bad end)
      assert.equals(3.0, peer.handshake_timeout)
    end
    pcall(function() peer.handshake_timeout = 1 / 0 end)
    assert.is_true(peer.handshake_timeout > 0)
  end)

  it("handshake_timeout is kept in whole milliseconds", function()
    peer.handshake_timeout = 0.0015
    assert.is_true(math.abs(peer.handshake_timeout - 0.001) < 1e-9)
    peer.handshake_timeout = 0.25
    assert.equals(0.25, peer.handshake_timeout)
  end)

  it("encode_buffer_max_size is rounded up to a power of two", function()
    for given, kept in pairs { [1024] = 1024, [1025] = 2048, [5000] = 8192, [268435456] = 268435456 } do
      peer.encode_buffer_max_size = given
      assert.equals(kept, peer.encode_buffer_max_size)
    end
  end)

  it("encode_buffer_max_size refuses what is out of range, and the old value stays", function()
    peer.encode_buffer_max_size = 4096
    for _, bad in ipairs { 0, -1, 1023, 268435457 } do
      pcall(function() peer.encode_buffer_max_size = bad end)
      assert.equals(4096, peer.encode_buffer_max_size)
    end
  end)

  it("integers come back as integers", function()
    assert.equals("65535", tostring(peer.inbound_buffer_size))
    assert.equals("2048", tostring(peer:get_max_queued_packets()))
    assert.equals("2", tostring(peer.transfer_mode))
  end)

  it("get_max_packet_size follows outbound_buffer_size as in Godot", function()
    peer.outbound_buffer_size = 1009
    assert.equals(1000, peer:get_max_packet_size())
  end)

  it("a field that does not exist raises and is named, reading and writing", function()
    assert.matches("no_such_thing", message_of(function() return peer.no_such_thing end), 1, true)
    assert.matches("no_such_thing", message_of(function() peer.no_such_thing = 1 end), 1, true)
    assert.matches("handshake_timout", message_of(function() peer.handshake_timout = 1 end), 1, true)
    assert.has_error(function() return peer[1] end)
    assert.has_error(function() peer[1] = 1 end)
    assert.has_error(function() return peer[{}] end)
  end)

  it("methods and signals cannot be overwritten", function()
    assert.matches("poll", message_of(function() peer.poll = print end), 1, true)
    assert.matches("peer_connected", message_of(function() peer.peer_connected = print end), 1, true)
    assert.is_function(peer.poll)
  end)
end)

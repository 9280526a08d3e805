local ws = require "wsmultiplayer"
local call = require "support.call"

local ERRORS = {
  "OK", "FAILED", "ERR_UNAVAILABLE", "ERR_UNCONFIGURED", "ERR_UNAUTHORIZED", "ERR_PARAMETER_RANGE_ERROR",
  "ERR_OUT_OF_MEMORY", "ERR_FILE_NOT_FOUND", "ERR_FILE_BAD_DRIVE", "ERR_FILE_BAD_PATH", "ERR_FILE_NO_PERMISSION",
  "ERR_FILE_ALREADY_IN_USE", "ERR_FILE_CANT_OPEN", "ERR_FILE_CANT_WRITE", "ERR_FILE_CANT_READ",
  "ERR_FILE_UNRECOGNIZED", "ERR_FILE_CORRUPT", "ERR_FILE_MISSING_DEPENDENCIES", "ERR_FILE_EOF", "ERR_CANT_OPEN",
  "ERR_CANT_CREATE", "ERR_QUERY_FAILED", "ERR_ALREADY_IN_USE", "ERR_LOCKED", "ERR_TIMEOUT", "ERR_CANT_CONNECT",
  "ERR_CANT_RESOLVE", "ERR_CONNECTION_ERROR", "ERR_CANT_ACQUIRE_RESOURCE", "ERR_CANT_FORK", "ERR_INVALID_DATA",
  "ERR_INVALID_PARAMETER", "ERR_ALREADY_EXISTS", "ERR_DOES_NOT_EXIST", "ERR_DATABASE_CANT_READ",
  "ERR_DATABASE_CANT_WRITE", "ERR_COMPILATION_FAILED", "ERR_METHOD_NOT_FOUND", "ERR_LINK_FAILED",
  "ERR_SCRIPT_FAILED", "ERR_CYCLIC_LINK", "ERR_INVALID_DECLARATION", "ERR_DUPLICATE_SYMBOL", "ERR_PARSE_ERROR",
  "ERR_BUSY", "ERR_SKIP", "ERR_HELP", "ERR_BUG", "ERR_PRINTER_ON_FIRE",
}

local MULTIPLAYER_PEER = {
  CONNECTION_DISCONNECTED = 0, CONNECTION_CONNECTING = 1, CONNECTION_CONNECTED = 2,
  TARGET_PEER_BROADCAST = 0, TARGET_PEER_SERVER = 1,
  TRANSFER_MODE_UNRELIABLE = 0, TRANSFER_MODE_UNRELIABLE_ORDERED = 1, TRANSFER_MODE_RELIABLE = 2,
}

local WEB_SOCKET_PEER = {
  WRITE_MODE_TEXT = 0, WRITE_MODE_BINARY = 1,
  STATE_CONNECTING = 0, STATE_OPEN = 1, STATE_CLOSING = 2, STATE_CLOSED = 3,
}

-- Runs Lua code in an interpreter of its own and gives what it printed.
local function run(code)
  local interpreter = arg and arg[-1]
  local i = -1
  while arg and arg[i] do
    interpreter = arg[i]
    i = i - 1
  end
  if not interpreter then return nil end
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath), code)
  file:close()
  local pipe = assert(io.popen(("%s %s 2>&1"):format(interpreter, name)))
  local output = pipe:read("*a")
  pipe:close()
  os.remove(name)
  return output
end

describe("the module", function()
  it("has Godot's 49 errors with Godot's values", function()
    assert.equals(49, #ERRORS)
    for i, name in ipairs(ERRORS) do assert.equals(i - 1, ws[name], name) end
  end)

  it("has integers as error values, which print without a fraction", function()
    assert.equals("31", tostring(ws.ERR_INVALID_PARAMETER))
  end)

  it("names errors in words", function()
    assert.equals("OK", ws.error_string(ws.OK))
    assert.equals("Failed", ws.error_string(ws.FAILED))
    assert.equals("Unavailable", ws.error_string(ws.ERR_UNAVAILABLE))
    assert.equals("Unconfigured", ws.error_string(ws.ERR_UNCONFIGURED))
    assert.equals("Out of memory", ws.error_string(ws.ERR_OUT_OF_MEMORY))
    assert.equals("Already in use", ws.error_string(ws.ERR_ALREADY_IN_USE))
    assert.equals("Invalid parameter", ws.error_string(ws.ERR_INVALID_PARAMETER))
  end)

  it("has a text for every error", function()
    local seen = {}
    for value = 0, 48 do
      local text = ws.error_string(value)
      assert.is_string(text)
      assert.is_true(#text > 0, "error " .. value)
      assert.is_nil(seen[text], text)
      seen[text] = value
    end
  end)

  it("answers error_string with a text for a number that is no error, and raises for what is no number", function()
    assert.is_string(ws.error_string(49))
    assert.is_string(ws.error_string(-1))
    assert.error_matches(function() ws.error_string() end, "bad argument #1 to 'error_string'")
    assert.error_matches(function() ws.error_string({}) end, "bad argument #1 to 'error_string'")
  end)

  it("has the enums of MultiplayerPeer, also on WebSocketMultiplayerPeer", function()
    for name, value in pairs(MULTIPLAYER_PEER) do
      assert.equals(value, ws.MultiplayerPeer[name], name)
      assert.equals(value, ws.WebSocketMultiplayerPeer[name], name)
    end
  end)

  it("has the enums of WebSocketPeer", function()
    for name, value in pairs(WEB_SOCKET_PEER) do assert.equals(value, ws.WebSocketPeer[name], name) end
  end)

  it("has the class PacketPeer", function()
    assert.is_truthy(ws.PacketPeer)
  end)

  it("has CONNECT_ONE_SHOT", function()
    assert.equals(4, ws.CONNECT_ONE_SHOT)
  end)

  it("has a version", function()
    assert.is_string(ws._VERSION)
    assert.is_true(#ws._VERSION > 0)
  end)

  it("raises when a name that it does not have is read from a class", function()
    assert.is_nil(rawget(ws, "ERR_NO_SUCH_THING"))
    local ok, value = pcall(function() return ws.MultiplayerPeer.CONNECTION_LOST end)
    assert.is_true(not ok or value == nil)
  end)

  it("sets no globals", function()
    local output = run [[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      require "wsmultiplayer"
      for name in pairs(_G) do if not before[name] then io.write("global ", tostring(name), "\n") end end
      io.write("done")
    ]]
    if not output then return pending("the interpreter's name is not known") end
    assert.equals("done", output)
  end)

  it("prints nothing when a program goes through a session and an error", function()
    local output = run [[
      local ws = require "wsmultiplayer"
local call = require "support.call"
      local server, client = ws.WebSocketMultiplayerPeer.new(), ws.WebSocketMultiplayerPeer.new()
      server:create_server(0, "127.0.0.1")
      server:create_server(0, "nonsense")
      client:create_client("http://nowhere")
      client:create_client("ws://127.0.0.1:" .. server:get_bound_port())
      local turns = 0
      repeat
        turns = turns + 1
        server:poll(0.002) client:poll(0.002)
      until client:get_connection_status() == 2 or turns > 2000
      client:close()
      for _ = 1, 5 do server:poll(0.002) end
      server:close()
      client:create_client("ws://127.0.0.1:1")
      for _ = 1, 5 do client:poll(0.002) end
      io.write("done")
    ]]
    if not output then return pending("the interpreter's name is not known") end
    assert.equals("done", output)
  end)

  it("ends a program cleanly that never closes its peers", function()
    local output = run [[
      local ws = require "wsmultiplayer"
local call = require "support.call"
      server, client = ws.WebSocketMultiplayerPeer.new(), ws.WebSocketMultiplayerPeer.new()
      assert(server:create_server(0, "127.0.0.1") == 0)
      assert(client:create_client("ws://127.0.0.1:" .. server:get_bound_port()) == 0)
      for _ = 1, 5 do server:poll(0.002) client:poll(0.002) end
      io.write("done")
    ]]
    if not output then return pending("the interpreter's name is not known") end
    assert.equals("done", output)
  end)
end)

describe("the class WebSocketMultiplayerPeer", function()
  it("makes peers with .new() and by a call", function()
    local a, b = ws.WebSocketMultiplayerPeer.new(), ws.WebSocketMultiplayerPeer()
    assert.equals("userdata", type(a))
    assert.equals("userdata", type(b))
    assert.are_not.equal(a, b)
  end)

  it("names itself and its state in tostring", function()
    local peer = ws.WebSocketMultiplayerPeer.new()
    assert.matches("^WebSocketMultiplayerPeer: 0x%x+ %(disconnected%)$", tostring(peer))
    assert.equals(ws.OK, (peer:create_server(0, "127.0.0.1")))
    assert.matches("%(server%)$", tostring(peer))
    peer:close()
    assert.matches("%(disconnected%)$", tostring(peer))
    assert.equals(ws.OK, (peer:create_client("ws://127.0.0.1:9")))
    assert.matches("%(connecting%)$", tostring(peer))
    peer:close()
  end)

  it("answers as Godot's fresh object does", function()
    local peer = ws.WebSocketMultiplayerPeer.new()
    assert.equals(0, peer:get_connection_status())
    assert.equals(0, peer:get_unique_id())
    assert.equals(1, peer:get_packet_peer())
    assert.equals(0, peer:get_packet_channel())
    assert.equals(2, peer:get_packet_mode())
    assert.equals(0, peer:get_available_packet_count())
    assert.equals(0, peer:get_packet_error())
    assert.is_true(peer:is_server_relay_supported())
    assert.is_nil(peer:get_peer(1))
    assert.equals("", peer:get_peer_address(1))
    assert.equals(0, peer:get_peer_port(1))
    assert.is_false(peer:is_server())
    assert.equals(0, peer:get_bound_port())
    assert.same({}, peer:get_peers())
    assert.equals("", peer:get_last_error())
    assert.equals(0, peer:get_dropped_packet_count())
    assert.equals(65535 - 9, peer:get_max_packet_size())
  end)

  it("does nothing when a fresh object is polled, flushed or closed", function()
    local peer = ws.WebSocketMultiplayerPeer.new()
    peer:poll()
    peer:poll(0)
    peer:flush()
    peer:close()
    peer:close()
    peer:disconnect_peer(1)
    assert.equals(0, peer:get_connection_status())
  end)

  it("generates ids from 2 to 2147483647, seldom the same", function()
    local peer = ws.WebSocketMultiplayerPeer.new()
    local seen, different = {}, 0
    for _ = 1, 200 do
      local id = peer:generate_unique_id()
      assert.is_true(id >= 2 and id <= 2147483647 and id % 1 == 0, tostring(id))
      if not seen[id] then different = different + 1 end
      seen[id] = true
    end
    assert.is_true(different > 190)
  end)

  it("raises with the position for wrong and missing arguments", function()
    local peer = ws.WebSocketMultiplayerPeer.new()
    local function raises(pattern, method, ...)
      local ok, err = call(peer, method, ...)
      assert.is_false(ok, method)
      assert.matches(pattern, tostring(err))
    end
    raises("bad argument #1 to 'create_server' %(number expected, got no value%)", "create_server")
    raises("bad argument #1 to 'create_server' %(number expected, got table%)", "create_server", {})
    raises("bad argument #2 to 'create_server' %(string expected, got boolean%)", "create_server", 0, true)
    raises("bad argument #1 to 'create_client' %(string expected, got no value%)", "create_client")
    raises("bad argument #1 to 'create_client' %(string expected, got table%)", "create_client", {})
    raises("bad argument #1 to 'poll' %(number expected, got string%)", "poll", "x")
    raises("bad argument #1 to 'put_packet' %(string expected, got nil%)", "put_packet", nil)
    raises("bad argument #1 to 'set_target_peer' %(number expected, got table%)", "set_target_peer", {})
    raises("bad argument #1 to 'disconnect_peer' %(number expected, got no value%)", "disconnect_peer")
    raises("bad argument #1 to 'get_peer' %(number expected, got no value%)", "get_peer")
    raises("bad argument #1 to 'get_peer_address' %(number expected, got table%)", "get_peer_address", {})
    raises("bad argument #1 to 'get_peer_port' %(number expected, got table%)", "get_peer_port", {})
    assert.equals(0, peer:get_connection_status())
  end)

  it("raises when a method is called on something else", function()
    local poll = ws.WebSocketMultiplayerPeer.poll
    assert.is_function(poll)
    assert.has_error(function() poll() end)
    assert.has_error(function() poll({}) end)
    assert.has_error(function() poll(io.stdout) end)
  end)

  it("never crashes when its methods get values of every kind", function()
    local values = { 0, -1, 2 ^ 31, 1e300, 0 / 0, "", "x", ("x"):rep(70000), "\0", true, false, {}, print, io.stdout }
    local skip = { create_server = true, create_client = true, new = true, wait = true, receive = true }
    for name, method in pairs(ws.WebSocketMultiplayerPeer) do
      if type(method) == "function" and not skip[name] and not name:find("^__") then
        for _, value in ipairs(values) do
          local peer = ws.WebSocketMultiplayerPeer.new()
          if name ~= "poll" or type(value) ~= "number" or value < 1 then pcall(method, peer, value) end
          pcall(method, value)
          pcall(method, value, value)
          assert.equals(0, peer:get_connection_status(), name)
        end
      end
    end
  end)
end)

local child = require "support.child"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"
local ws = require "wsmultiplayer"

describe("ws.set_log", function()
  local lines

  local function listen(level)
    lines = {}
    ws.set_log(level, function(of, line) lines[#lines + 1] = { level = of, text = line } end)
  end

  after_each(function()
    ws.set_log()
    session.close()
  end)

  it("hands over what libwebsockets logs, in poll and nowhere else", function()
    listen "debug"
    local server = session.server()
    local client = session.client(server:get_bound_port())
    assert.equals(0, #lines)
    wait.until_(function() return session.is_connected(client) end, { server, client })
    assert.is_true(#lines > 0)
    for _, line in ipairs(lines) do
      assert.is_truthy(({ error = 1, warning = 1, notice = 1, info = 1, debug = 1 })[line.level])
      assert.is_true(#line.text > 0 and #line.text < 256)
      assert.is_nil(line.text:find "[\r\n]$")
    end
  end)

  it("keeps to the level and the worse ones", function()
    listen "warning"
    session.pair()
    for _, line in ipairs(lines) do assert.is_truthy(line.level == "error" or line.level == "warning") end
  end)

  it("is off by default, and when switched off", function()
    listen "debug"
    ws.set_log()
    session.pair()
    assert.equals(0, #lines)
  end)

  it("keeps at most 128 lines, the newest, and says how many were lost", function()
    listen "debug"
    local port = raw.free_port()
    for _ = 1, 60 do ws.WebSocketMultiplayerPeer.new():create_client("ws://127.0.0.1:" .. port) end
    assert.equals(0, #lines)
    ws.WebSocketMultiplayerPeer.new():poll()
    assert.is_true(#lines >= 129 and #lines < 140, #lines)
    assert.matches("^%d+ lines of the log were lost$", lines[1].text)
  end)

  it("gives the caller of poll an error of the function, and goes on", function()
    local count = 0
    ws.set_log("debug", function()
      count = count + 1
      error "of the log"
    end)
    local server = session.server()
    local ok, err = pcall(server.poll, server)
    assert.is_false(ok)
    assert.matches("of the log", err)
    assert.equals(1, count)
    listen "debug"
    server:poll()
    assert.is_true(#lines > 0)
  end)

  it("may be called by the function itself", function()
    local count = 0
    ws.set_log("debug", function()
      count = count + 1
      ws.set_log()
    end)
    session.server():poll()
    assert.equals(1, count)
  end)

  it("raises for anything but a level and a function", function()
    for _, wrong in ipairs { "loud", 3, true } do
      assert.has_error(function() ws.set_log(wrong, print) end)
    end
    assert.has_error(function() ws.set_log "debug" end)
    assert.has_error(function() ws.set_log(nil, print) end)
    assert.has_error(function() ws.set_log("debug", "print") end)
  end)

  it("lets a program end in the middle, without a word on its output", function()
    local output = child.run [[
      local ws = require "wsmultiplayer"
      ws.set_log("debug", function() end)
      local p = ws.WebSocketMultiplayerPeer.new()
      assert(p:create_server(0, "127.0.0.1") == 0)
      q = ws.WebSocketMultiplayerPeer.new()
      q:create_client("ws://localhost:" .. p:get_bound_port())
      for _ = 1, 20 do p:poll(0.001) q:poll(0.001) end
      io.write "done "
    ]]
    assert.equals("done status 0\n", output)
  end)
end)

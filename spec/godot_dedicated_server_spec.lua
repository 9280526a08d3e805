-- examples/godot-dedicated-server: its Lua server, two Godots with its project, and a Lua client of ours. Godot is
-- found as in godot_spec.lua; without one the Godots are missing and so are these specs.
local godot = require "support.godot"
local wait = require "support.wait"
local ws = require "wsmultiplayer"

local folder = debug.getinfo(1, "S").source:match("^@(.*)spec[/\\]godot_dedicated_server_spec%.lua$") ..
  "examples/godot-dedicated-server"

local PATIENCE = 30 -- seconds for anything, the start of Godot too

local missing = godot.missing()
local with_godot = it
if missing then
  with_godot = function(name) pending(name .. " [NOT RUN: " .. missing .. "]") end
end

local function quote(text) return "'" .. text:gsub("'", [['\'']]) .. "'" end

-- The remote methods of main.gd.
local RPCS = {
  join = { "any_peer" }, move = { "any_peer", "unreliable" }, say = { "any_peer" },
  player_joined = {}, player_left = {}, player_moved = { "unreliable" }, heard = {}, refused = {},
}

describe("examples/godot-dedicated-server", function()
  local processes, clients, port

  local function read_file(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read "*a"
    file:close()
    return text
  end

  -- A process in the background; what it writes is in output().
  local function start(command)
    local path = os.tmpname()
    os.execute(("{ sh -c %s; echo ended; } >%s 2>&1 </dev/null &"):format(
      quote("echo pid $$; " .. command), quote(path)))
    local process = { path = path }
    function process.output() return read_file(path) end
    processes[#processes + 1] = process
    return process
  end

  -- Waits until the output has this, while our own clients are polled.
  local function await(process, pattern)
    local found
    local ok = pcall(wait.until_, function()
      found = process.output():match(pattern)
      return found
    end, clients, PATIENCE)
    if not ok then error(("no %q in:\n%s"):format(pattern, process.output()), 2) end
    return found
  end

  local function start_server()
    local at = 0
    while arg[at - 1] do at = at - 1 end
    local paths = ("package.path, package.cpath = %q, %q"):format(package.path, package.cpath)
    local server = start(("exec %s -e %s %s 0"):format(quote(arg[at]), quote(paths), quote(folder .. "/server.lua")))
    port = tonumber(await(server, "listens on port (%d+)\n"))
    return server
  end

  local function start_godot(name)
    return start(godot.command(folder, ("-- --url=ws://127.0.0.1:%d --name=%s --bot"):format(port, name)))
  end

  -- A client of ours in the game: `seen` are the calls from the server, as lists.
  local function join(name)
    local api, seen = ws.MultiplayerAPI.new(), {}
    local object = setmetatable({}, { __index = function(_, method)
      return function(_, ...) seen[#seen + 1] = { method, ... } end
    end })
    local node = api:add_node("Main", object, RPCS)
    local peer = ws.WebSocketMultiplayerPeer.new()
    assert.equal(ws.OK, (peer:create_client("ws://127.0.0.1:" .. port)))
    api.multiplayer_peer = peer
    clients[#clients + 1] = api
    api:connect("connected_to_server", function() node:rpc_id(1, "join", name) end)
    wait.until_(function() return api:get_unique_id() > 1 end, clients, PATIENCE, "a connection")
    return { peer = peer, id = api:get_unique_id(), node = node, seen = seen }
  end

  -- Waits for a call of this method with these first arguments (nil: any), and gives it.
  local function await_call(client, method, a, b)
    return wait.until_(function()
      for _, call in ipairs(client.seen) do
        if call[1] == method and (a == nil or call[2] == a) and (b == nil or call[3] == b) then return call end
      end
    end, clients, PATIENCE, method)
  end

  before_each(function() processes, clients = {}, {} end)
  after_each(function()
    for _, client in ipairs(clients) do client.multiplayer_peer:close() end
    for _, process in ipairs(processes) do
      local pid = process.output():match "^pid (%d+)"
      if pid and not process.output():find "ended\n$" then os.execute("kill " .. pid .. " 2>/dev/null") end
      os.remove(process.path)
    end
  end)

  it("checks what it is told", function()
    local server = start_server()
    local ada, grace = join "Ada", join "Grace"
    local id = ada.id
    await_call(ada, "player_joined", grace.id, "Grace")
    await_call(grace, "player_joined", id, "Ada")

    ada.node:rpc_id(1, "move", ws.Vector2(500, 280))
    assert.is_true(await_call(grace, "player_moved", id)[3] == ws.Vector2(500, 280))
    ada.node:rpc_id(1, "move", ws.Vector2(100, 100)) -- nobody walks that fast
    assert.is_true(await_call(ada, "player_moved", id)[3] == ws.Vector2(500, 280))

    -- Nothing of this is taken, nor does it harm.
    local count = #grace.seen
    for _, nonsense in ipairs { "text", 5, false, {}, ws.Vector3(1, 2, 3), ws.Vector2(0 / 0, 1) } do
      ada.node:rpc_id(1, "move", nonsense)
    end
    ada.node:rpc_id(1, "say")
    ada.node:rpc_id(1, "say", { "text" })
    ada.node:rpc_id(1, "say", ("x"):rep(5000))
    ada.node:rpc_id(1, "join", "Somebody else")
    ada.node:rpc_id(1, "heard", "Grace", "what she never said")
    local stranger = join(("x"):rep(100))
    await_call(stranger, "refused")
    stranger.node:rpc_id(1, "say", "Am I in?")
    ada.node:rpc_id(1, "say", "Good night")
    await_call(grace, "heard", "Ada", "Good night")
    assert.equal(count + 1, #grace.seen)
    await(server, "refused from peer " .. id)
    ada.peer:close()
    await_call(grace, "player_left", id)
  end)

  with_godot("lets two Godots and a Lua client see each other walk, chat and leave", function()
    local server = start_server()
    local ada = start_godot "Ada"
    await(ada, "%* Ada is here\n")
    local grace = start_godot "Grace"
    await(ada, "%* Grace is here\n")
    await(grace, "%* Ada is here\n")
    await(ada, "%* Grace walks\n")
    await(grace, "%* Ada walks\n")
    await(ada, "Grace: Hello Ada!\n")
    await(grace, "Ada: Hello Grace!\n")

    local linus = join "Linus"
    for _, process in ipairs { ada, grace } do await(process, "%* Linus is here\n") end
    await_call(linus, "heard", "Ada", "Hello Linus!")
    await_call(linus, "heard", "Grace", "Hello Linus!")
    local grace_id = await_call(linus, "player_joined", nil, "Grace")[2]
    await_call(linus, "player_moved", grace_id)

    linus.node:rpc_id(1, "say", "Good night, Grace!")
    await(ada, "Linus: Good night, Grace!\n")
    await(ada, "%* Grace has left\n")
    await(grace, "ended\n")
    await_call(linus, "player_left", grace_id)
    linus.peer:close()
    await(ada, "%* Linus has left\n")

    os.execute("kill " .. server.output():match "^pid (%d+)")
    await(ada, "The server is gone.\n")
    await(ada, "ended\n")
    for _, process in ipairs { ada, grace } do assert.is_nil(process.output():match "ERROR[^\n]*") end
    assert.is_nil(server.output():match "refused[^\n]*")
  end)
end)

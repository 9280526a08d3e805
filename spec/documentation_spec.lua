-- README.md, docs/ and its like: every program in them is run, every link leads somewhere, every shell line is one.
--
-- Programs run one after the other in this process, in a table of globals of their own. Port 9080 becomes a free one;
-- who makes a server there is joined by a client, and who makes a client finds a server. Loops without end are ended
-- once the two have met. What a comment "--> ..." says is what has to be printed. In the Markdown, a line before the
-- program may say <!-- not run: why -->; it is compiled all the same.
local certificates = require "support.certificates"
local core = require "wsmultiplayer.core"
local raw = require "support.raw"
local ws = require "wsmultiplayer"

local root = debug.getinfo(1, "S").source:match "^@(.*)spec[/\\]documentation_spec%.lua$"
local compile = loadstring or load
local setfenv = setfenv -- luacheck: ignore

local function read(path)
  local file = assert(io.open(root .. path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local pages = { "README.md", "CONTRIBUTING.md", "SECURITY.md" }
do
  local pipe = assert(io.popen(("cd '%s.' && ls docs/*.md examples/*/README.md"):format(root)))
  for name in pipe:lines() do pages[#pages + 1] = name end
  pipe:close()
end

-- The fenced blocks of a page: { language, text, line, skip }
local function blocks_of(path)
  local blocks, block, skip, number = {}, nil, nil, 0
  for line in (read(path) .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    local language = line:match "^```(%l*)"
    if language and not block then
      block = { language = language, lines = {}, line = number, skip = skip }
    elseif language then
      block.text = table.concat(block.lines, "\n") .. "\n"
      blocks[#blocks + 1] = block
      block, skip = nil, nil
    elseif block then
      block.lines[#block.lines + 1] = line
    elseif line ~= "" then
      skip = line:match "^<!%-%- not run: (.+) %-%->$"
    end
  end
  return blocks
end

local function of_language(language)
  local found = {}
  for _, page in ipairs(pages) do
    for _, block in ipairs(blocks_of(page)) do
      if block.language == language then
        block.name = ("%s:%d"):format(page, block.line)
        found[#found + 1] = block
      end
    end
  end
  return found
end

-- ---- the other end

local ENOUGH = setmetatable({}, { __tostring = function() return "enough" end })

local function serve_echo(port, text)
  local server = ws.WebSocketMultiplayerPeer.new()
  assert(server:create_server(port, "127.0.0.1") == ws.OK)
  local sends = text:find ":put_"
  return function(rest)
    server:poll()
    rest.met = rest.met or not sends and #server:get_peers() > 0
    for packet, from in server:packets() do
      rest.met = true
      server:set_target_peer(from)
      server:put_packet(packet)
    end
  end
end

local function serve_sockets(port)
  local server, sockets = ws.WebSocketServer.new(), {}
  assert(server:listen(port, "127.0.0.1") == ws.OK)
  return function(rest)
    server:poll()
    if server:is_connection_available() then sockets[#sockets + 1] = server:take_connection() end
    for _, socket in ipairs(sockets) do
      rest.met = true
      for message, is_text in socket:packets() do
        socket:send(message, is_text and ws.WebSocketPeer.WRITE_MODE_TEXT or nil)
      end
    end
  end
end

local function serve_api(port)
  local api, main = ws.MultiplayerAPI.new(), {}
  local node = api:add_node("Main", main, { say = { "any_peer" }, heard = {} })
  local server = ws.WebSocketMultiplayerPeer.new()
  assert(server:create_server(port, "127.0.0.1") == ws.OK)
  api.multiplayer_peer = server
  local met = false
  function main.say(_, text)
    met = true
    node:rpc("heard", text)
  end
  return function(rest)
    api:poll()
    rest.met = rest.met or met
  end
end

local function join(port)
  local client = ws.WebSocketMultiplayerPeer.new()
  return function(rest)
    client:poll()
    if client:get_connection_status() == ws.MultiplayerPeer.CONNECTION_DISCONNECTED then
      client:create_client("ws://127.0.0.1:" .. port)
    elseif client:get_unique_id() > 1 and not rest.said then
      rest.said = true
      client:put_packet("hello")
      client:put_var { type = "move", to = ws.Vector2(3, 4) }
      client:put_var { "move", ws.Vector2(3, 4) }
    elseif rest.said then
      rest.met = true
    end
  end
end

local function join_socket(port)
  local socket = ws.WebSocketPeer.new()
  socket:connect_to_url("ws://127.0.0.1:" .. port)
  return function(rest)
    socket:poll()
    local state = socket:get_ready_state()
    if state == ws.WebSocketPeer.STATE_CLOSED then
      socket:connect_to_url("ws://127.0.0.1:" .. port)
    elseif state == ws.WebSocketPeer.STATE_OPEN and not rest.said then
      rest.said = true
      socket:send_text("hello")
    end
    for message in socket:packets() do rest.met = message == "hello" end
  end
end

local function join_api(port)
  local api, game = ws.MultiplayerAPI.new(), {}
  local heard = false
  function game.heard() heard = true end
  local node = api:add_node("Main", game, { say = { "any_peer" }, heard = {} })
  local peer = ws.WebSocketMultiplayerPeer.new()
  return function(rest)
    api:poll()
    if peer:get_connection_status() == ws.MultiplayerPeer.CONNECTION_DISCONNECTED then
      peer:create_client("ws://127.0.0.1:" .. port)
      api.multiplayer_peer = peer
    elseif #api:get_peers() > 0 and not rest.said then
      rest.said = true
      node:rpc_id(1, "say", "hello")
    end
    rest.met = rest.met or heard
  end
end

-- What the program needs on the other end: a function that is called now and then, and sets rest.met.
local function other_end(text, port)
  local is_api = text:find "MultiplayerAPI"
  if text:find "[^\n]:create_server%(" or text:find ":listen%(" then
    return (is_api and join_api or text:find "WebSocketServer" and join_socket or join)(port)
  elseif text:find("127.0.0.1:" .. port, 1, true) then
    return (is_api and serve_api or text:find "connect_to_url" and serve_sockets or serve_echo)(port, text)
  end
end

-- ---- running

-- All that is alive, closed. What tasks do then is nobody's business.
local function close_all()
  local objects = {}
  for object in pairs(core.active) do objects[#objects + 1] = object end
  for _, object in ipairs(objects) do
    local kind = tostring(object):match "^%a+"
    if kind == "WebSocketServer" then object:stop()
    elseif kind == "MultiplayerAPI" then object.multiplayer_peer = nil
    else object:close() end
  end
  for _ = 1, 5 do pcall(ws.poll) end
  collectgarbage()
  assert.is_nil(next(core.active), "everything is closed")
end

-- Things that programs take for given, made when they are asked for.
local function given(rest)
  local function listening()
    local server = ws.WebSocketMultiplayerPeer.new()
    if not rest.starts_server then assert(server:create_server(0, "127.0.0.1") == ws.OK) end
    return server
  end
  local function node(path)
    local game = {}
    game.node = rest.globals.api:add_node(path, game, { answer = {}, best_score = { "any_peer" }, moved = {} })
    return game.node, game
  end
  local makers = {
    server = listening,
    client = ws.WebSocketMultiplayerPeer.new,
    api = ws.MultiplayerAPI.new,
    love = function() return { filesystem = { isFused = function() return false end } } end,
    tickets = function() return {} end, ticket = function() return "ticket" end,
    scores = function() return { Ada = 5 } end,
    bytes = function() return ws.var_to_bytes(1) end,
    other_id = function() return 2 end,
    player = function() return {} end,
    node = function() return (node "Main") end,
    client_game = function() return select(2, node "ClientGame") end,
    server_game = function() return select(2, node "ServerGame") end,
    -- One that hears itself.
    peer = function()
      local bytes
      return {
        put_var = function(_, value) bytes = ws.var_to_bytes(value) end,
        get_var = function() return ws.bytes_to_var(bytes) end,
      }
    end,
  }
  return function(globals, name)
    if name == "ws" then return ws end
    if not makers[name] then return _G[name] end
    local thing = makers[name]()
    rawset(globals, name, thing)
    return thing
  end
end

-- Words without commas, numbers as numbers: how whole floats are printed depends on the Lua.
local function words(text)
  return (text:gsub("[^%s,]+", function(word)
    local number = tonumber(word)
    return number and ("%.14g"):format(number) or word
  end):gsub("[%s,]+", " "):gsub("^ ", ""):gsub(" $", ""))
end

local function check_output(block, printed)
  local expected = {}
  for text in block.text:gmatch "%-%-> ?([^\n]*)" do expected[#expected + 1] = text end
  if #expected > 0 then assert.equals(words(table.concat(expected, "\n")), words(table.concat(printed, "\n"))) end
end

-- Files that programs name, as they are here.
local FILES = {
  ["key.pem"] = function() return certificates.path(certificates.good_key) end,
  ["fullchain.pem"] = function() return certificates.path(certificates.good) end,
  ["certificate.pem"] = function() return certificates.path(certificates.self) end,
  ["my-authority.pem"] = function() return certificates.path(certificates.root) end,
  ["index.html"] = function() return root .. "examples/browser/index.html" end,
  ["game.js"] = function() return root .. "examples/browser/arena.js" end,
}

-- Names of files, addresses and ports that there are here, and no long waits, since the other end is polled in between.
local function rewrite(text, port)
  text = text:gsub('"([%w-]+%.%l+)"', function(name) return FILES[name] and ("%q"):format(FILES[name]()) end)
  text = text:gsub("game%.example%.org", "localhost"):gsub("create_server%(443", "create_server(0")
  text = text:gsub(":poll%([%d.]+%)", ":poll(0.002)")
  return (text:gsub("9080", tostring(port)))
end

-- Calls step() while the program runs, in its loops too, and ends it by an error once that returns true.
local function with_steps(step, fn)
  -- Compiled code calls no hooks.
  if jit then -- luacheck: ignore 113
    jit.off() -- luacheck: ignore 113
    jit.flush() -- luacheck: ignore 113
  end
  -- Again and again, since the program may catch errors. The outer pcall is for one that comes after the program.
  -- Coroutines inherit the hook, and keep it.
  local running = true
  debug.sethook(function()
    if running and step() then error(ENOUGH, 0) end
  end, "", 100)
  local ok, err = false, ENOUGH
  pcall(function()
    ok, err = pcall(fn)
    running = false
  end)
  running = false
  debug.sethook()
  if jit then jit.on() end -- luacheck: ignore 113
  return ok, err
end

local function run_once(block)
  local port = raw.free_port()
  local text = rewrite(block.text, port)
  local chunk = assert(compile(text, "=" .. block.name))
  if block.skip then return end
  local rest, printed = {}, {}
  local globals = { print = function(...)
    local parts = {}
    for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
    printed[#printed + 1] = table.concat(parts, "\t")
  end }
  rest.starts_server = text:find "server:create_server%(" ~= nil
  rest.globals = setmetatable(globals, { __index = given(rest) })
  if setfenv then
    setfenv(chunk, globals)
  else
    chunk = assert(load(text, "=" .. block.name, "t", globals))
  end
  local meet = other_end(text, port)
  local deadline = ws.clock() + 5
  local function step()
    if meet then meet(rest) end
    return rest.met or ws.clock() > deadline
  end
  local loops = text:find "while true" or text:find "while api:is_active" or text:find "while client:get_conn" or
    text:find "while socket do"
  local waits = text:find "ws%.run"
  local ok, err = with_steps(loops and step or function() return ws.clock() > deadline end, function()
    if waits and not loops then -- the other end lives in a task beside the program's
      ws.spawn(function()
        while meet and not rest.over do
          meet(rest)
          ws.sleep(0)
        end
      end)
    end
    chunk()
    local love = rawget(globals, "love")
    if not love then return end
    if love.load then love.load() end
    local frames = 0
    while love.update and not rest.met and (meet or frames < 3) and ws.clock() < deadline do
      frames = frames + 1
      love.update(0.016)
      if meet then meet(rest) end
      if love.mousepressed then love.mousepressed(1, 2) end
    end
    if love.quit then love.quit() end
  end)
  rest.over = true
  if not ok and err ~= ENOUGH then error(err, 0) end
  if not ok then assert.is_true(rest.met or meet == nil, "the other end was not met within 5 s") end
  local love = rawget(globals, "love")
  if meet and (loops or waits or love and love.update) then assert.is_true(rest.met, "the other end was not met") end
  check_output(block, printed)
end

-- Once more if it fails: another process may have taken the free port.
local function run(block)
  local ok = pcall(run_once, block)
  if ok then return end
  close_all()
  run_once(block)
end

describe("a program in the documentation #once", function()
  after_each(function()
    debug.sethook()
    close_all()
    certificates.remove_files()
  end)

  for _, block in ipairs(of_language "lua") do
    it(("%s %s"):format(block.skip and "compiles:" or "runs:", block.name), function() run(block) end)
  end
end)

describe("a shell line in the documentation #once", function()
  local makefile = read "Makefile"

  for _, block in ipairs(of_language "sh") do
    it("is one: " .. block.name, function()
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(block.text)
      file:close()
      local status = os.execute(("sh -n '%s'"):format(path))
      os.remove(path)
      assert.is_true(status == true or status == 0)
      for name in block.text:gmatch "examples/[%w_./-]+" do
        assert.is_truthy(os.rename(root .. name, root .. name), name .. " exists")
      end
      for target in ("\n" .. block.text):gmatch "\nmake ([%l%d-]+)" do
        local rule = "\n[%l%d -]*" .. target:gsub("%-", "%%-") .. "[%l%d -]*:"
        assert.is_truthy(("\n" .. makefile):find(rule), "make " .. target)
      end
    end)
  end
end)

describe("a workflow #once", function()
  local makefile = "\n" .. read "Makefile"

  for _, path in ipairs { ".github/workflows/ci.yml", ".github/workflows/release.yml" } do
    it("calls what there is: " .. path, function()
      local text = read(path)
      local called = 0
      for target in text:gsub("run: sudo ", "run: "):gmatch "run: make ([%l%d-]+)%f[%s]" do
        called = called + 1
        local rule = "\n[%l -]*%f[%l]" .. target:gsub("%-", "%%-") .. "%f[ :][%l -]*:"
        assert.is_truthy(makefile:find(rule), "make " .. target)
      end
      for script in text:gmatch "%.ci/[%w-]+" do
        called = called + 1
        assert.is_truthy(os.rename(root .. script, root .. script), script)
      end
      assert.is_true(called > 1)
    end)
  end
end)

-- The name that a heading has in links: GitHub's, and pandoc's for gfm.
local function anchor(heading)
  heading = heading:gsub("%[([^%]]*)%]%([^)]*%)", "%1"):gsub("`", ""):lower()
  return (heading:gsub("[^%w_ \128-\255-]", ""):gsub(" ", "-"))
end

local function anchors_of(path)
  local found = {}
  for line in (read(path):gsub("```.-```", "")):gmatch "[^\n]+" do
    local heading = line:match "^#+ (.+)$"
    if heading then found[anchor(heading)] = true end
  end
  return found
end

describe("a link in the documentation #once", function()
  for _, page in ipairs(pages) do
    it("leads somewhere: " .. page, function()
      local folder = page:match "^(.*/)" or ""
      for target in (read(page):gsub("```.-```", "")):gmatch "%]%(([^)%s]+)%)" do
        if not target:find "^%a+:" then
          local path, part = target:match "^([^#]*)#?(.*)$"
          path = path == "" and page or folder .. path
          while path:find "[^/]+/%.%./" do path = path:gsub("[^/]+/%.%./", "", 1) end
          assert.is_truthy(os.rename(root .. path, root .. path), target)
          if part ~= "" then assert.is_true(anchors_of(path)[part], target) end
        end
      end
    end)
  end

  it("from the index reaches every page", function()
    local index = read "docs/README.md"
    for _, page in ipairs(pages) do
      local name = page:match "^docs/(.*)$"
      if name and name ~= "README.md" then assert.is_truthy(index:find("(" .. name .. ")", 1, true), name) end
    end
  end)
end)

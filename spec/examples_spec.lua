local certificates = require "support.certificates"
local frames = require "support.frames"
local raw = require "support.raw"
local wait = require "support.wait"
local websocket = require "support.websocket"
local ws = require "wsmultiplayer"

local examples = debug.getinfo(1, "S").source:match("^@(.*)spec[/\\]examples_spec%.lua$") .. "examples/"

local function quote(text)
  return "'" .. text:gsub("'", [['\'']]) .. "'"
end

-- The Lua that runs this, with the same module, and one of the examples.
local function command(name)
  local at = 0
  while arg[at - 1] do at = at - 1 end
  local paths = ("package.path, package.cpath = %q, %q"):format(package.path, package.cpath)
  return ("%s -e %s %s"):format(quote(arg[at]), quote(paths), quote(examples .. name))
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local files = {}

-- Starts an example in the background. Gives a function that waits for its end while `polled` are polled and act() is
-- called, if it is given: what the example wrote (errors too), and its status.
local function start(name, ...)
  local words = { command(name) }
  for _, word in ipairs { ... } do words[#words + 1] = quote(word) end
  local path = os.tmpname()
  files[#files + 1] = path
  os.execute(("{ %s <&3; echo \"status $?\"; } 3<&0 >%s 2>&1 &"):format(table.concat(words, " "), quote(path)))
  return function(polled, act)
    local output, status
    wait.until_(function()
      if act then act() end
      output, status = read_file(path):match "^(.*)status (%d+)\n$"
      return status
    end, polled, 15, name .. " to end")
    return output, tonumber(status)
  end
end

-- Starts connect.lua and gives what it wrote, and its status.
local function connect(polled, ...)
  return start("connect.lua", ...)(polled)
end

after_each(function()
  websocket.close()
  certificates.remove_files()
  for i = #files, 1, -1 do os.remove(table.remove(files, i)) end
end)

describe("examples/connect.lua", function()
  it("shows what comes, text and binary, and how the server closes", function()
    local listener = raw.listen()
    local finish = start("connect.lua", "ws://127.0.0.1:" .. listener.port .. "/x", "first")
    local connection = listener:welcome({}, false)
    assert.equals("GET /x HTTP/1.1", connection.request:match "^[^\r]*")
    local frame = connection:read_frame({})
    assert.same({ frames.TEXT, "first" }, { frame.opcode, frame.payload })
    connection:send_frame { opcode = frames.TEXT, payload = "answer \27[0m" }
    connection:send_binary("\1\255")
    connection:send_close(4000, "enough")
    local output, status = finish({})
    assert.equals("< answer ?[0m\n< 2 bytes: 01 ff\nclosed with code 4000 enough\n", output)
    assert.equals(0, status)
  end)

  it("says why it could not connect, with status 1", function()
    local output, status = connect({}, "ws://127.0.0.1:" .. raw.free_port(), "x")
    assert.matches("refused", output)
    assert.equals(1, status)
    output, status = connect({}, "http://127.0.0.1")
    assert.matches("URL", output)
    assert.equals(1, status)
    output, status = connect({})
    assert.matches("^usage: ", output)
    assert.equals(1, status)
  end)

  it("says that the connection was lost, with status 1", function()
    local listener = raw.listen()
    local finish = start("connect.lua", "ws://127.0.0.1:" .. listener.port, "x")
    local connection = listener:welcome({}, false)
    connection:read_frame({})
    connection:close()
    local output, status = finish({})
    assert.matches("lost", output)
    assert.equals(1, status)
  end)

  it("verifies wss://, with --ca and --insecure", function()
    local server = websocket.new_server()
    assert.equals(ws.OK, (server:listen(0, "127.0.0.1", certificates.server "good")))
    server.on_request = function(request) return request.path == "/" and 404 or nil end
    local url = ("wss://localhost:%d/"):format(server:get_local_port())
    local authority = certificates.path(certificates.root)
    for _, row in ipairs {
      { "certificate", 1, url .. "in" }, { "404", 1, "--ca", authority, url },
      { "closed with code 1000", 0, "--ca", authority, url .. "in" },
      { "closed with code 1000", 0, "--insecure", url .. "in" },
    } do
      local finish = start("connect.lua", row[3], row[4], row[5])
      local peers = {}
      local output, status = finish({ server }, function() peers[#peers + 1] = server:take_connection() end)
      assert.matches(row[1], output, 1, true)
      assert.equals(row[2], status)
    end
  end)
end)

describe("examples/echo_server.lua", function()
  local pipe, process, port

  before_each(function()
    pipe = assert(io.popen(("echo $$; exec %s 0 2>&1"):format(command "echo_server.lua")))
    process = pipe:read "*l"
    local line = pipe:read "*l"
    port = tonumber(line and line:match "^listens on port (%d+)$")
    assert(port, line)
  end)
  after_each(function()
    os.execute("kill " .. process)
    pipe:close()
  end)

  it("echoes lines to connect.lua, and says who comes and goes", function()
    local output, status = connect({}, "ws://127.0.0.1:" .. port, "Hello!", "gr\195\188n")
    assert.equals("< Hello!\n< gr\195\188n\nclosed with code 1000 \n", output)
    assert.equals(0, status)
    assert.matches("^127%.0%.0%.1 port %d+ comes$", pipe:read "*l")
    assert.matches("^127%.0%.0%.1 port %d+ goes: .*1000", pipe:read "*l")
  end)

  it("echoes lines that connect.lua reads from its standard input", function()
    local lines = "printf 'one\\ntwo\\n'"
    local reader = assert(io.popen(("%s | %s ws://127.0.0.1:%d 2>&1"):format(lines, command "connect.lua", port)))
    local output = reader:read "*a"
    reader:close()
    assert.equals("< one\n< two\nclosed with code 1000 \n", output)
  end)

  it("echoes text as text and binary as binary, to several at once", function()
    local polled = {}
    for i = 1, 5 do
      polled[i] = websocket.connect(port)
      websocket.reach(polled[i], websocket.OPEN)
    end
    for i, client in ipairs(polled) do
      client:send_text("text " .. i)
      client:send("binary \0 " .. i)
      client:send("")
    end
    for i, client in ipairs(polled) do
      local messages, texts = websocket.receive(client, 3, polled)
      assert.same({ "text " .. i, "binary \0 " .. i, "" }, messages)
      assert.same({ true, false, false }, texts)
    end
  end)

  it("loses nothing for a client that sends first and reads later", function()
    local client = websocket.connect(port, { outbound_buffer_size = 0 })
    websocket.reach(client, websocket.OPEN)
    for i = 1, 200 do client:send(("%d "):format(i) .. ("x"):rep(60000)) end
    wait.quiet({ client }, 0.2)
    local count = 0
    wait.until_(function()
      for message in client:packets() do
        count = count + 1
        assert(tonumber(message:match "^%d+") == count)
      end
      return count == 200
    end, { client })
  end)
end)

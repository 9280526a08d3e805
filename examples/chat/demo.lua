-- Four processes, a server and three clients, chat for a second. Shows what they say and hear, and checks that every
-- message arrived once, where it should, and nowhere else.
--   lua demo.lua
local DEADLINE = 10 -- seconds for everything

local here = arg[0]:match "^(.*)[/\\]" or "."
local LAST_WORDS = "Good night!"

-- What a client says, after which cue; see client.lua.
local lines = {
  Ada = {
    "Linus joined", "Hello, everyone!",
    "Linus, to you alone:", "@Linus I kept a piece for you.",
    "Now we are two", LAST_WORDS,
  },
  Grace = {
    "Ada: Hello", "Hi Ada, hi Linus!",
    "goes to the kitchen", "Bon appetit, Linus!",
    "Linus left", "Now we are two.",
  },
  Linus = {
    "Grace: Hi", "@Ada Is there any cake?",
    "Ada, to you alone:", "/me goes to the kitchen",
    "Bon appetit", "/leave",
  },
}

-- What is to be heard, and by whom.
local expected = {
  { "* Welcome, Ada!", "Ada" },
  { "* Welcome, Grace!", "Grace" },
  { "* Welcome, Linus!", "Linus" },
  { "* Grace joined", "Ada" },
  { "* Linus joined", "Ada", "Grace" },
  { "Ada: Hello, everyone!", "Ada", "Grace", "Linus" },
  { "Grace: Hi Ada, hi Linus!", "Ada", "Grace", "Linus" },
  { "Linus, to you alone: Is there any cake?", "Ada" },
  { "Ada, to you alone: I kept a piece for you.", "Linus" },
  { "* Linus goes to the kitchen", "Ada", "Grace" },
  { "Grace: Bon appetit, Linus!", "Ada", "Grace", "Linus" },
  { "* Linus left", "Ada", "Grace" },
  { "Grace: Now we are two.", "Ada", "Grace" },
  { "Ada: " .. LAST_WORDS, "Ada", "Grace" },
}

-- ---- Processes. All of them write into one named pipe, so that their lines come in the order of writing.

local function quote(text)
  return "'" .. tostring(text):gsub("'", [['\'']]) .. "'"
end

local function run(command)
  local result = os.execute(command)
  return result == true or result == 0 -- a number in Lua 5.1
end

local fifo = os.tmpname()
os.remove(fifo)
assert(run("umask 077; mkfifo " .. quote(fifo)), "mkfifo failed")
io.stdout:setvbuf "line"
local stage = assert(io.open(fifo, "r+")) -- opened for writing too, so that it never ends

local pids, running = {}, {}
local problems, crashed = {}, false

local function problem(text, ...)
  problems[#problems + 1] = text:format(...)
end

local function start(name, words)
  local command = "echo " .. name .. " pid $$; exec"
  for _, word in ipairs(words) do command = command .. " " .. quote(word) end
  local wrapper = "sh -c %s >%s 2>&1 </dev/null; echo %s exit $? >%s"
  running[name] = assert(io.popen(wrapper:format(quote(command), quote(fifo), name, quote(fifo))))
end

local function lua(name, script, arguments)
  local first = 0
  while arg[first - 1] do first = first - 1 end
  local words = { arg[first], here .. "/" .. script }
  for _, word in ipairs(arguments) do words[#words + 1] = word end
  start(name, words)
end

local function stop_all()
  for name, process in pairs(running) do
    if pids[name] then run("kill " .. pids[name] .. " 2>/dev/null") end
    process:close()
  end
end

-- ---- The transcript

local colours = { server = "90", Ada = "36", Grace = "35", Linus = "33" }
if os.getenv "NO_COLOR" or not run "test -t 1" then colours = {} end

local verbs = { [">"] = "says  ", ["<"] = "  hears " }

local function show(name, mark, text)
  local label = ("%-8s"):format(name)
  if colours[name] then label = "\27[" .. colours[name] .. "m" .. label .. "\27[0m" end
  print(label .. (verbs[mark] or "") .. text)
end

local ids, told = {}, {} -- by name: what the client takes for its id, and what the server does
local heard = {} -- how often, by "NAME < TEXT"
local gone = {} -- the clients that saw the server go

local function note(name, mark, text)
  if mark == "<" then
    local key = name .. " < " .. text
    heard[key] = (heard[key] or 0) + 1
  elseif name == "server" then
    local who, id = text:match "^(%w+) joined as peer (%d+)"
    if who then told[who] = id end
  elseif text == "sees the server go (1001)" then
    gone[name] = true
  else
    ids[name] = text:match "^is connected as peer (%d+)" or ids[name]
  end
end

-- Takes lines until `done` gives something true for one, and returns that. Nothing, if a process failed or time is up.
local function watch(done)
  while true do
    local line = stage:read()
    local name, mark, text = line:match "^(%S+)%s+([<>*]) (.*)$"
    local process, what, number = line:match "^(%S+) (%a+) (%d+)$"
    if name then
      show(name, mark, text)
      note(name, mark, text)
    elseif what == "pid" then
      pids[process] = number
    elseif what == "exit" and running[process] then
      running[process]:close()
      running[process] = nil
      if process == "clock" then
        problem("not done after %d seconds", DEADLINE)
        return
      elseif number ~= "0" then
        problem("%s ended with status %s", process, number)
        crashed = true
        return
      end
    else
      print(line) -- an error message
    end
    local result = done(name, text)
    if result then return result end
  end
end

-- ---- The play

start("clock", { "sleep", DEADLINE })
lua("server", "server.lua", { 0, LAST_WORDS })
local port = watch(function(name, text) return name == "server" and text:match "listens on port (%d+)" end)

for _, client in ipairs { "Ada", "Grace", "Linus" } do
  if #problems > 0 then break end
  local arguments = { "ws://127.0.0.1:" .. port, client }
  for _, line in ipairs(lines[client]) do arguments[#arguments + 1] = line end
  lua(client, "client.lua", arguments)
  watch(function(name, text) return name == client and text == "* Welcome, " .. client .. "!" end)
end

if #problems == 0 then
  watch(function() return not (running.server or running.Ada or running.Grace or running.Linus) end)
end
stop_all()
os.remove(fifo)

-- ---- What came of it

local count = 0

local function check_messages()
  for _, message in ipairs(expected) do
    for i = 2, #message do
      local key = message[i] .. " < " .. message[1]
      local times = heard[key] or 0
      count = count + times
      if times ~= 1 then problem("%s heard %d times: %s", message[i], times, message[1]) end
      heard[key] = nil
    end
  end
  for key, times in pairs(heard) do problem("not to be heard (%d times): %s", times, key) end
end

local function check_clients()
  local owner = {}
  for _, name in ipairs { "Ada", "Grace", "Linus" } do
    local id = ids[name]
    if not id or id ~= told[name] or owner[id] then
      problem("the id of %s: %s, says the server: %s", name, tostring(id), tostring(told[name]))
    end
    if id then owner[id] = name end
    if name ~= "Linus" and not gone[name] then problem("%s did not see the server go", name) end
  end
end

if not crashed then
  check_messages()
  check_clients()
end

print()
if #problems > 0 then
  print "The demo FAILED:"
  for _, text in ipairs(problems) do print("  " .. text) end
  os.exit(1)
end
print(("Everything arrived: 3 clients with ids of their own, %d messages, each heard once, by those it was for.")
  :format(count))

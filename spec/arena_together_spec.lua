-- The arena with all four kinds of client at once, each a program of its own, in front of one `lua server.lua`: LÖVE, a
-- plain Lua script, a page in Chromium and a game in Godot. Each tells what it sees in its own way, and everybody must
-- see and hear everybody. What is missing on this machine is pending; the others are tested without it.
local arena = require "support.arena"
local chromium = require "support.chromium"
local godot = require "support.godot"
local json = require "support.json"
local process = require "support.process"
local programs = require "support.arena_programs"

local PATIENCE = 40 -- seconds: four programs start at once, perhaps on one core

local url, server, judge, browser
local polled = { arena.everyone }
local heard = {} -- by the judge, a client in this process

-- Where the program writes lines as the narrator of the LÖVE game does.
local Narrating = {}
Narrating.__index = Narrating

local function plain(text) return (text:gsub("%p", "%%%0")) end

function Narrating:await(line, patience)
  return self.program:expect("(" .. plain(self.name) .. " +" .. line .. "\n)", polled, patience)
end

function Narrating:await_in() self:await("is in as peer %d+", PATIENCE) end
function Narrating:await_sight(name) self:await("sees " .. plain(name)) end
function Narrating:await_hearing(name, text) self:await(("hears %s: %s"):format(plain(name), plain(text))) end
function Narrating:await_absence(name) self:await(("does not see %s any more"):format(plain(name))) end
function Narrating:await_end() self:await "is out: [^\n]+" end
function Narrating:answer() judge:say(self.name .. ", are you there?") end
function Narrating:quit() self.program:kill() end

local Browsing = {}
Browsing.__index = Browsing

function Browsing:start()
  browser = chromium.start()
  browser.polled = polled
  self.page = browser:open((url:gsub("^ws", "http")) .. "/")
  self.page:evaluate "document.getElementById('name').select()"
  self.page:type(self.name)
  self.page:strike "Enter"
end

function Browsing:has(name)
  return ("[...document.querySelectorAll('#players li')].some((one) => one.textContent === %s)"):format(
    json.encode(name))
end

function Browsing:await_in()
  self.page:wait_for "document.getElementById('status').className === 'in'"
  self.page:press "KeyD"
end

function Browsing:await_sight(name) self.page:wait_for(self:has(name), "the page to show " .. name) end
function Browsing:await_absence(name) self.page:wait_for("!" .. self:has(name), "the page to forget " .. name) end
function Browsing:await_end() self.page:wait_for "document.getElementById('why').textContent" end

function Browsing:await_hearing(name, text)
  self.page:wait_for(("[...document.querySelectorAll('#log div')].some((one) => one.textContent === %s)"):format(
    json.encode(name .. ": " .. text)), "the page to show what " .. name .. " says")
end

function Browsing:answer()
  self.page:strike "Enter"
  self.page:type "*beep* You called, Judge?"
  self.page:strike "Enter"
end

function Browsing:quit() self.page:close() end

local players = {
  setmetatable({
    name = "Venus", kind = "LÖVE", missing = programs.love_missing(),
    start = function(self) self.program = programs.start_love { "--join", url, "--name", self.name, "--autopilot" } end,
  }, Narrating),
  setmetatable({
    name = "Luna", kind = "Lua",
    start = function(self) self.program = programs.start_bot(url, self.name) end,
  }, Narrating),
  setmetatable({ name = "Netty", kind = "the browser", missing = chromium.missing() }, Browsing),
  setmetatable({
    name = "Rosetta", kind = "Godot", missing = godot.missing(),
    start = function(self)
      self.program = programs.start_godot { "--join", url, "--name", self.name, "--bot", "--seconds", "300" }
    end,
  }, Narrating),
}

local there = {}
for _, player in ipairs(players) do
  if not player.missing then table.insert(there, player) end
end

-- For each kind of client a test that runs where it is there.
local function each(title, test)
  for _, player in ipairs(players) do
    local name = title:format(player.kind)
    if player.missing then
      pending(("%s [NOT RUN: %s]"):format(name, player.missing))
    else
      it(name, function() test(player) end)
    end
  end
end

local function others(player)
  local result = {}
  for _, other in ipairs(there) do
    if other ~= player then table.insert(result, other) end
  end
  return result
end

describe("LÖVE, Lua, a browser and Godot in one arena #once:", function()
  lazy_setup(function()
    server, url = programs.start_server()
    judge = arena.joined(url, "Judge")
    judge:on("chat", function(name, text) heard[name .. ": " .. text] = true end)
    for _, player in ipairs(there) do player:start() end
    for _, player in ipairs(there) do player:await_in() end
  end)

  lazy_teardown(function()
    if browser then browser:quit() end
    arena.close()
    process.close()
  end)

  each("%s sees all others", function(player)
    player:await_sight "Judge"
    for _, other in ipairs(others(player)) do player:await_sight(other.name) end
  end)

  each("%s walks, which a Lua client sees", function(player)
    local shown = arena.wait(function() return arena.seen(judge, player.name) end, player.name)
    local x, y = shown.x, shown.y
    arena.wait(function()
      -- The page walks by its keys, to the wall and back.
      if player.page and shown.x > 900 then
        player.page:release "KeyD"
        player.page:press "KeyA"
      end
      return math.abs(shown.x - x) + math.abs(shown.y - y) > 50
    end, player.name .. "'s walk", 20)
  end)

  each("what %s says is heard by all others", function(player)
    player:answer()
    local text = "*beep* You called, Judge?"
    for _, other in ipairs(others(player)) do other:await_hearing(player.name, text) end
    arena.wait(function() return heard[player.name .. ": " .. text] end, "the judge to hear it")
  end)

  it("when one leaves, all others see that", function()
    local last = table.remove(there)
    last:quit()
    for _, other in ipairs(there) do other:await_absence(last.name) end
    arena.wait(function() return not arena.seen(judge, last.name) end, "the judge to see it")
  end)

  it("when the server goes away, all tell it", function()
    server:kill()
    for _, player in ipairs(there) do player:await_end() end
    arena.wait(function() return judge.status == "out" end, "the judge to see it")
  end)
end)

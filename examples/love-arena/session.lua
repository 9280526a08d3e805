-- What is played: the client, and the server if this program is the host. Used with and without a window.
local Autopilot = require "autopilot"
local Client = require "client"
local Server = require "server"

local Session = {}
Session.__index = Session

-- `options` as of options.lua; `log` is called with what a hosted server tells.
function Session.new(options, log)
  local self = setmetatable({ client = Client.new(), lines = options.lines, log = log }, Session)
  if options.autopilot then self.autopilot = Autopilot.new(self.client) end
  self.client:on("player", function(player)
    if player.id ~= self.client.id then return end
    for _, line in ipairs(self.lines) do self.client:say(line) end
    self.lines = {}
  end)
  return self
end

-- Both give true, or nil and why not.
function Session:join(url, name)
  self:leave()
  return self.client:join(url, name)
end

function Session:host(port, name)
  self:leave()
  local server, why = Server.new(port, "*", self.log)
  if not server then return nil, why end
  self.server = server
  return self.client:join("ws://127.0.0.1:" .. server:get_port(), name)
end

function Session:leave()
  self.client:leave()
  if self.server then self.server:close() end
  self.server = nil
end

-- Never waits.
function Session:update()
  if self.server then self.server:update() end
  self.client:update()
  if self.autopilot then self.autopilot:update() end
end

return Session

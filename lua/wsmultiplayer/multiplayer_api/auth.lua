--- Authentication: what happens between the connection of a peer and its admission, where there is an auth_callback.

local core = require "wsmultiplayer.core"
local due = require "wsmultiplayer.multiplayer_api.due"
local ordered_set = require "wsmultiplayer.multiplayer_api.ordered_set"
local peers = require "wsmultiplayer.multiplayer_api.peers"
local protocol = require "wsmultiplayer.multiplayer_api.protocol"
local transport = require "wsmultiplayer.multiplayer_api.transport"

local errors = core.errors

local auth = {}

function auth.begin(self, id)
  ordered_set.add(self.pending, id, { since = core.clock(), completed_here = false, completed_there = false })
  due.emit(self, "peer_authenticating", id)
end

local function admit(self, id)
  ordered_set.remove(self.pending, id)
  peers.admit(self, id)
end

local function call_back(item) item.callback(item.id, item.data) end

function auth.receive(self, id, data)
  local pending = self.pending.get[id]
  if data == "" then
    pending.completed_there = true
    if pending.completed_here then admit(self, id) end
  elseif self.auth_callback then
    due.call(self, 0, call_back, { callback = self.auth_callback, id = id, data = data })
  else
    due.refuse(self, id, "authentication data, and there is no auth_callback")
  end
end

local function find(self, id)
  if not transport.is_connected(self) then return nil, errors.ERR_UNCONFIGURED, "there is no connection" end
  local pending = self.pending.get[id]
  if not pending then return nil, errors.ERR_INVALID_PARAMETER, ("peer %d is not authenticating"):format(id) end
  if pending.completed_here then
    return nil, errors.ERR_FILE_CANT_WRITE, "the authentication was completed here"
  end
  return pending
end

function auth.send(self, id, data)
  local pending, err, why = find(self, id)
  if data == "" and err ~= errors.ERR_UNCONFIGURED then
    return errors.ERR_INVALID_PARAMETER, "there is nothing to send"
  end
  if not pending then return err, why end
  if pending.completed_there then
    return errors.ERR_FILE_CANT_WRITE, "the authentication was completed on the other side"
  end
  transport.set_mode(self)
  return transport.send(self, id, protocol.auth(data))
end

function auth.complete(self, id)
  local pending, err, why = find(self, id)
  if not pending then return err, why end
  pending.completed_here = true
  transport.set_mode(self)
  err, why = transport.send(self, id, protocol.auth())
  if pending.completed_there then admit(self, id) end
  return err, why
end

--- Seconds until the next one's time is up; nil if there is none.
function auth.time_left(self)
  local first = self.auth_timeout > 0 and self.pending.list[1]
  return first and math.max(0, self.pending.get[first].since + self.auth_timeout - core.clock()) or nil
end

--- Ends the connections of those whose time is up.
function auth.expire(self)
  while auth.time_left(self) == 0 do
    local id = self.pending.list[1]
    ordered_set.remove(self.pending, id)
    self.peer:disconnect_peer(id)
    due.emit(self, "peer_authentication_failed", id)
  end
end

return auth

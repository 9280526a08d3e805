local ws = require "wsmultiplayer"
local frames = require "support.frames"
local raw = require "support.raw"
local session = require "support.session"
local socket = require "socket"
local wait = require "support.wait"
local websocket = require "support.websocket"

local INTERVAL = 0.16
local SLACK = 0.5 -- seconds that a busy machine may take more

local CLOSED = websocket.CLOSED

-- What each class is on each side, as one: `open(interval)` gives it open, with the other end by hand.
--   setting: what has heartbeat_interval   polled: what to poll   rtt(): get_rtt() or get_peer_rtt()
--   alive(): still connected?              ended(): what is known of the end: code, clean (if it has a word for that)
local function of_websocket(peer, connection, polled)
  return {
    setting = peer, connection = connection, polled = polled, peer = peer,
    rtt = function() return peer:get_rtt() end,
    alive = function() return peer:get_ready_state() == websocket.OPEN end,
    ended = function() return peer:get_close_code() end,
    why = function() return peer:get_last_error() end,
  }
end

local function of_multiplayer(peer, connection, id)
  local events = session.record(peer)
  return {
    setting = peer, connection = connection, polled = { peer }, peer = peer:get_peer(id), id = id,
    rtt = function() return peer:get_peer_rtt(id) end,
    alive = function() return #peer:get_peers() == 1 end,
    ended = function()
      local event = session.event(events, 1, { peer })
      assert.equals("disconnected " .. id, events.names())
      assert.equals("", event.reason)
      return event.code, event.clean
    end,
    why = function() return peer:get_last_error() end,
  }
end

local KINDS = {
  {
    name = "a WebSocketPeer as a client", masks = true,
    open = function(interval)
      local peer, connection = websocket.by_hand { heartbeat_interval = interval }
      return of_websocket(peer, connection, { peer })
    end,
  },
  {
    name = "a WebSocketPeer from a server", masks = false,
    open = function(interval)
      local server = websocket.server()
      local connection = websocket.raw_join(server)
      local peer = websocket.take(server)
      peer.heartbeat_interval = interval
      return of_websocket(peer, connection, { server, peer })
    end,
  },
  {
    name = "WebSocketServer", masks = false,
    open = function(interval)
      local server = websocket.server { heartbeat_interval = interval }
      local connection = websocket.raw_join(server)
      local peer = websocket.take(server)
      assert.equals(interval, peer.heartbeat_interval)
      return of_websocket(peer, connection, { server, peer })
    end,
  },
  {
    name = "WebSocketMultiplayerPeer as a server", masks = false,
    open = function(interval)
      local server, port = session.server { heartbeat_interval = interval }
      local connection = raw.join(port, { server })
      return of_multiplayer(server, connection, connection.id)
    end,
  },
  {
    name = "WebSocketMultiplayerPeer as a client", masks = true,
    open = function(interval)
      local client, connection = session.by_hand { heartbeat_interval = interval }
      return of_multiplayer(client, connection, 1)
    end,
  },
}

local turn = coroutine.yield

-- Nobody polls, and nobody answers, for three intervals: what is tested, not a way to wait for something.
local function pause() turn "pause" end

local function awaited(condition, seconds, what)
  local deadline = wait.now() + (seconds or 5)
  repeat
    local result = condition()
    if result then return result end
    turn()
  until wait.now() > deadline
  error("waited in vain for " .. what, 2)
end

local function quiet(seconds)
  local deadline = wait.now() + seconds
  repeat turn() until wait.now() > deadline
end

-- Calls something every quarter of an interval, for so many intervals.
local function keep(intervals, act)
  local deadline, acted = wait.now() + INTERVAL * intervals, 0
  repeat
    if wait.now() - acted > INTERVAL / 4 then
      acted = wait.now()
      act()
    end
    turn()
  until wait.now() > deadline
end

local function take_frame(self)
  local frame
  awaited(function()
    frame = self.connection:take_frame()
    return frame or self.connection.ended
  end, 2, "a frame")
  return frame
end

local function read_ping(self)
  local frame = take_frame(self)
  assert.is_truthy(frame, "the connection ended: " .. tostring(self.connection.ended))
  assert.equals(frames.PING, frame.opcode)
  assert.equals(self.masks, frame.mask ~= nil)
  return frame
end

local function answer(self, ping)
  self.connection:send_frame { opcode = frames.PONG, payload = ping.payload }
end

local function is_silent(self)
  assert.equals("", self.connection:pump():unread())
end

-- One step of a test; false when it is at its end.
local function resume(run)
  local ok, request = coroutine.resume(run.thread, run.self)
  if not ok then
    error(run.name .. ": " .. tostring(type(request) == "table" and request.message or request), 0)
  end
  run.paused = request == "pause"
  return coroutine.status(run.thread) ~= "dead"
end

-- Runs a test for each class and side, all at the same time: these tests take time, but only by waiting.
local function each(interval, test)
  local runs = {}
  for i, kind in ipairs(KINDS) do
    local self = kind.open(interval)
    self.masks = kind.masks
    runs[i] = { name = kind.name, self = self, thread = coroutine.create(test) }
  end
  while #runs > 0 do
    local all_paused = true
    for _, run in ipairs(runs) do all_paused = all_paused and run.paused end
    if all_paused then socket.select(nil, nil, INTERVAL * 3) end
    for i = #runs, 1, -1 do
      local run = runs[i]
      if all_paused or not run.paused then
        wait.turn(run.self.polled, i == 1 and 10 or 1)
        if not resume(run) then table.remove(runs, i) end
      end
    end
  end
end

describe("heartbeat_interval", function()
  after_each(function()
    session.close()
    websocket.close()
  end)

  it("is off at first: there are no pings", function()
    each(0, function(self)
      assert.equals(0, self.setting.heartbeat_interval)
      quiet(INTERVAL)
      is_silent(self)
      assert.is_nil(self.rtt())
      assert.is_true(self.alive())
    end)
  end)

  it("is the time between pings, while they are answered", function()
    each(INTERVAL, function(self)
      local times = {}
      for i = 1, 5 do
        answer(self, read_ping(self))
        times[i] = wait.now()
      end
      local took = times[5] - times[1]
      assert.is_true(took > INTERVAL * 3.5 and took < INTERVAL * 7 + SLACK, "four intervals took " .. took)
      assert.is_true(self.alive())
    end)
  end)

  it("ends a link that does not answer within two intervals, with -1, not clean, and a reason", function()
    each(INTERVAL, function(self)
      local started = wait.now()
      awaited(function() return not self.alive() end, 3, "the end of the dead link")
      local took = wait.now() - started
      assert.is_true(took > INTERVAL * 0.5 and took < INTERVAL * 2.5 + SLACK, "took " .. took)
      local code, clean = self.ended()
      assert.equals(-1, code)
      if clean ~= nil then assert.is_false(clean) end
      assert.matches("heartbeat", self.why())
      awaited(function() return self.connection:pump().ended end, 2, "the end of TCP")
    end)
  end)

  it("takes any data as a sign of life, not only pongs", function()
    each(INTERVAL, function(self)
      local number = 0
      keep(5, function()
        number = number + 1
        if number % 2 == 0 then
          self.connection:send_binary("data")
        else
          self.connection:send_frame { opcode = frames.PONG, payload = "unsolicited" }
        end
      end)
      assert.is_true(self.alive())
      assert.is_nil(self.rtt())
      awaited(function() return not self.alive() end, 3, "the end of the dead link")
    end)
  end)

  it("takes parts of a message as a sign of life", function()
    each(INTERVAL, function(self)
      local bytes, at = self.connection:frame_bytes { payload = ("x"):rep(200) }, 1
      keep(4, function()
        self.connection:send(bytes:sub(at, at + 4))
        at = at + 5
      end)
      assert.is_true(self.alive())
    end)
  end)

  it("takes pings from the other side as a sign of life", function()
    each(INTERVAL, function(self)
      keep(4, function() self.connection:send_frame { opcode = frames.PING, payload = "theirs" } end)
      assert.is_true(self.alive())
    end)
  end)

  it("does not punish a program that did not poll, if the answer waits in the socket", function()
    each(INTERVAL, function(self)
      for _ = 1, 2 do
        answer(self, read_ping(self))
        pause()
        assert.is_true(self.alive())
      end
    end)
  end)

  it("does not punish a program that did not poll, if both sides live in it", function()
    each(INTERVAL, function(self)
      answer(self, read_ping(self))
      read_ping(self)
      pause()
      -- The other side was asleep as well: it answers as soon as it can.
      self.connection:send_frame { opcode = frames.PONG, payload = "late" }
      quiet(INTERVAL / 2)
      assert.is_true(self.alive())
    end)
  end)

  for _, kind in ipairs(KINDS) do
    it("of " .. kind.name .. " lets a waiting poll wake up for it", function()
      local self = kind.open(INTERVAL)
      local started = wait.now()
      while self.alive() and wait.now() - started < 4 do
        for _, object in ipairs(self.polled) do object:poll(5) end
      end
      local took = wait.now() - started
      assert.is_false(self.alive())
      assert.is_true(took < INTERVAL * 3 + SLACK, "took " .. took)
    end)
  end

  it("measures the round-trip time", function()
    each(INTERVAL, function(self)
      assert.is_nil(self.rtt())
      answer(self, read_ping(self))
      awaited(self.rtt, 2, "the first round-trip time")
      assert.is_true(self.rtt() >= 0 and self.rtt() < 0.1 + SLACK, self.rtt())
      local ping = read_ping(self)
      local asked = wait.now()
      quiet(0.05)
      answer(self, ping)
      awaited(function() return self.rtt() > 0.04 end, 2, "the second round-trip time")
      assert.is_true(self.rtt() < wait.now() - asked + 0.03, self.rtt())
    end)
  end)

  it("may change while connected, be kept by a negative one, and be switched off again", function()
    each(0, function(self)
      quiet(0.03)
      self.setting.heartbeat_interval = INTERVAL
      answer(self, read_ping(self))
      self.setting.heartbeat_interval = 60
      quiet(INTERVAL * 1.5)
      is_silent(self)
      self.setting.heartbeat_interval = INTERVAL
      answer(self, read_ping(self))
      self.setting.heartbeat_interval = -1
      assert.equals(INTERVAL, self.setting.heartbeat_interval)
      answer(self, read_ping(self))
      self.setting.heartbeat_interval = 0
      quiet(INTERVAL * 2)
      is_silent(self)
      assert.is_true(self.alive())
    end)
  end)

  it("switched off while a ping is unanswered lets the link live", function()
    each(INTERVAL, function(self)
      read_ping(self)
      self.setting.heartbeat_interval = 0
      quiet(INTERVAL * 2.5)
      assert.is_true(self.alive())
    end)
  end)

  it("does not ping one that is closing", function()
    each(INTERVAL, function(self)
      answer(self, read_ping(self))
      self.peer:close(4000, "x")
      assert.equals(4000, take_frame(self).code)
      quiet(INTERVAL * 1.5)
      is_silent(self)
    end)
  end)

  it("spares a link whose messages the program has not taken", function()
    each(INTERVAL, function(self)
      self.connection:send(self.connection:frame_bytes { payload = ("x"):rep(40000) }:rep(20))
      keep(4, function() self.connection:pump() end)
      assert.is_true(self.alive())
    end)
  end)

  it("set on get_peer(id) counts for that peer alone", function()
    local server, port = session.server()
    local events = session.record(server)
    local one, two = raw.join(port, { server }), raw.join(port, { server })
    server:get_peer(one.id).heartbeat_interval = INTERVAL
    assert.equals(0, server:get_peer(two.id).heartbeat_interval)
    assert.equals(0, server.heartbeat_interval)
    assert.equals(frames.PING, one:read_frame({ server }).opcode)
    local event = session.event(events, 3, { server })
    assert.equals(one.id, event.id)
    assert.equals(-1, event.code)
    assert.equals("", two:unread())
    assert.same({ two.id }, server:get_peers())
  end)

  it("of a multiplayer peer reaches those that are connected, and those that come", function()
    local server, port = session.server()
    local old = raw.join(port, { server })
    server.heartbeat_interval = INTERVAL
    local new = raw.join(port, { server })
    assert.equals(INTERVAL, server:get_peer(new.id).heartbeat_interval)
    assert.equals(frames.PING, old:read_frame({ server }).opcode)
    assert.equals(frames.PING, new:read_frame({ server }).opcode)
  end)

  it("keeps two of ours connected, and tells both the round-trip time", function()
    local server, client, id = session.pair { heartbeat_interval = 0.05 }
    assert.is_nil(server:get_peer_rtt(12345))
    wait.until_(function() return server:get_peer_rtt(id) and client:get_peer_rtt(1) end, { server, client })
    wait.quiet({ server, client }, 0.3)
    for _, rtt in ipairs { server:get_peer_rtt(id), client:get_peer_rtt(1), server:get_peer(id):get_rtt() } do
      assert.is_true(rtt >= 0 and rtt < 0.2, rtt)
    end
    assert.same({ id }, server:get_peers())
    assert.is_nil(client:get_peer_rtt(2))
    assert.same({}, (session.drain(server)))
  end)

  it("serves a hundred connections, and finds the dead among them", function()
    local server, port = session.server { heartbeat_interval = 0.3 }
    local live, dead = {}, {}
    for i = 1, 100 do
      local connection = raw.join(port, { server })
      table.insert(i % 4 == 0 and dead or live, connection)
    end
    wait.until_(function()
      for _, connection in ipairs(live) do
        local frame = connection:take_frame()
        if frame then connection:send_frame { opcode = frames.PONG, payload = frame.payload } end
      end
      return #server:get_peers() == 75
    end, { server }, 3)
    for _, connection in ipairs(dead) do assert.is_nil(server:get_peer(connection.id)) end
  end)

  it("is not a limit for the handshake", function()
    local listener = raw.listen()
    local client = websocket.connect(listener.port, { heartbeat_interval = 0.05 })
    local connection = listener:accept_request({ client })
    wait.quiet({ client }, 0.2)
    connection:send(raw.response(connection.request))
    websocket.reach(client, websocket.OPEN)
    assert.equals(frames.PING, connection:read_frame({ client }).opcode)
    websocket.reach(client, CLOSED, nil, 1)
    assert.equals(-1, client:get_close_code())
  end)

  it("ends a link that takes no more bytes either", function()
    local server, client, peer = websocket.pair({ outbound_buffer_size = 0, heartbeat_interval = INTERVAL })
    for _ = 1, 200 do assert.equals(ws.OK, (peer:send(("x"):rep(60000)))) end
    assert.is_true(peer:get_current_outbound_buffered_amount() > 0)
    websocket.reach(peer, CLOSED, { server, peer }, 2)
    assert.equals(-1, peer:get_close_code())
    websocket.reach(client, CLOSED, { server, client })
  end)
end)

--- What is due to be told to the program: emissions of signals and calls of its functions, in their order. All that
-- the API does happens first, and then the program hears of it; so an error in one of its functions finds nothing half
-- done, and what is still due stays here for the next poll.

local signal = require "wsmultiplayer.signal"

local due = {}

--- Adds signals and a queue to an API's state, and the sender, which get_remote_sender_id() says.
function due.prepare(self, names)
  self.signals, self.sender = {}, 0
  for _, name in ipairs(names) do self.signals[name] = signal.new(name) end
  self.due = { first = 1, last = 0 }
end

local function add(self, item, sender)
  local queue = self.due
  item.sender = sender
  queue.last = queue.last + 1
  queue[queue.last] = item
end

--- An emission to those who are connected when its turn comes.
function due.emit(self, name, ...)
  add(self, { signal = self.signals[name], count = select("#", ...), ... }, 0)
end

--- The same for what a peer has sent.
function due.emit_from(self, sender, name, ...)
  add(self, { signal = self.signals[name], count = select("#", ...), ... }, sender)
end

--- A call of step(item), once.
function due.call(self, sender, step, item)
  item.step = step
  add(self, item, sender)
end

-- Texts that come from others: no line breaks, and not without end.
local function shown(value)
  if type(value) ~= "string" then return value end
  return ((#value > 100 and value:sub(1, 100) .. "..." or value):gsub("%c", "?"))
end

local unpack = table.unpack or unpack -- luacheck: ignore 143

--- Says why a packet of a peer was refused, or what is wrong with it: what Godot prints as an error. The values are for
-- the places in the text.
function due.refuse(self, id, why, ...)
  if not self.signals.packet_refused:has_connections() then return end
  local values = { ... }
  for i = 1, #values do values[i] = shown(values[i]) end
  due.emit(self, "packet_refused", id, why:format(unpack(values)))
end

-- Does one thing of an item; false when nothing is left of it.
local function advance(item)
  if item.signal then
    item.emission = item.emission or signal.begin(item.signal, unpack(item, 1, item.count))
    return signal.step(item.emission)
  end
  if item.done then return false end
  item.done = true
  item.step(item)
  return true
end

--- Tells all that is due; says whether there was anything. A program that polls from within goes on where the outer
-- poll is.
function due.deliver(self)
  local queue = self.due
  local found = queue.first <= queue.last
  while queue.first <= queue.last do
    local at = queue.first
    local item = queue[at]
    local outer = self.sender
    self.sender = item.sender
    while advance(item) do end -- luacheck: ignore 542
    self.sender = outer
    if queue.first == at then
      queue[at] = nil
      queue.first = at + 1
    end
  end
  return found
end

function due.is_any(self) return self.due.first <= self.due.last end

return due

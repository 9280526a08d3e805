--- What is due to be told to the program: emissions of signals and calls of its functions, in their order. All that
-- the API does happens first, and then the program hears of it; so an error in one of its functions finds nothing half
-- done, and what is still due stays here for the next poll.

local signal = require "wsmultiplayer.signal"

local due = {}

function due.new() return { first = 1, last = 0, sender = 0 } end

local function add(queue, item)
  queue.last = queue.last + 1
  queue[queue.last] = item
end

--- An emission to those who are connected when its turn comes.
-- @tparam integer sender what get_remote_sender_id() says meanwhile
function due.emit(queue, sender, a_signal, ...)
  add(queue, { sender = sender, signal = a_signal, count = select("#", ...), ... })
end

--- A call of step(item), once.
function due.call(queue, sender, step, item)
  item.sender, item.step = sender, step
  add(queue, item)
end

local unpack = table.unpack or unpack -- luacheck: ignore 143

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

--- Tells all that is due. A program that polls from within goes on where the outer poll is.
function due.deliver(queue)
  while queue.first <= queue.last do
    local at = queue.first
    local item = queue[at]
    local outer = queue.sender
    queue.sender = item.sender
    while advance(item) do end -- luacheck: ignore 542
    queue.sender = outer
    if queue.first == at then
      queue[at] = nil
      queue.first = at + 1
    end
  end
end

return due

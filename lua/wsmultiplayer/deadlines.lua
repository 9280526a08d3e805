--- Deadlines of waiters: a binary heap, the earliest first.

local deadlines = {}

local heap = {}

local function before(a, b)
  if a.deadline ~= b.deadline then return a.deadline < b.deadline end
  return a.serial < b.serial
end

local function place(waiter, at)
  heap[at] = waiter
  waiter.place = at
end

local function rise(waiter, at)
  while at > 1 do
    local parent = (at - at % 2) / 2
    if not before(waiter, heap[parent]) then break end
    place(heap[parent], at)
    at = parent
  end
  place(waiter, at)
end

local function sink(waiter, at)
  local count = #heap
  while 2 * at <= count do
    local child = 2 * at
    if child < count and before(heap[child + 1], heap[child]) then child = child + 1 end
    if not before(heap[child], waiter) then break end
    place(heap[child], at)
    at = child
  end
  place(waiter, at)
end

local serial = 0

--- Adds a waiter, which is due at `deadline` (seconds of the core's clock).
function deadlines.add(waiter, deadline)
  serial = serial + 1
  waiter.deadline, waiter.serial = deadline, serial
  heap[#heap + 1] = waiter
  rise(waiter, #heap)
end

--- Takes it out again; nothing happens if it is not there.
function deadlines.remove(waiter)
  local at = waiter.place
  if not at then return end
  waiter.place = nil
  local last = table.remove(heap)
  if last == waiter then return end
  rise(last, at)
  sink(last, last.place)
end

--- When the first is due; nil if there is none.
function deadlines.first() return heap[1] and heap[1].deadline end

--- Takes the first out if it is due.
function deadlines.take_overdue(now)
  local first = heap[1]
  if not first or first.deadline > now then return end
  deadlines.remove(first)
  return first
end

return deadlines

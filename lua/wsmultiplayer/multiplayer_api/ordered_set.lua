--- Things in the order in which they came, each with a value.

local ordered_set = {}

--- `list` has the things in their order, `get` their values.
function ordered_set.new() return { list = {}, get = {} } end

function ordered_set.add(set, thing, value)
  if set.get[thing] == nil then set.list[#set.list + 1] = thing end
  set.get[thing] = value
end

function ordered_set.remove(set, thing)
  if set.get[thing] == nil then return end
  set.get[thing] = nil
  for i, other in ipairs(set.list) do
    if other == thing then return table.remove(set.list, i) end
  end
end

function ordered_set.copy(set)
  local list = {}
  for i, thing in ipairs(set.list) do list[i] = thing end
  return list
end

return ordered_set

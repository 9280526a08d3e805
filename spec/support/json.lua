-- JSON, and JSON Lines: dkjson comes with busted. null is json.null, inside of tables too.
local dkjson = require "dkjson"

local json = { null = dkjson.null, encode = dkjson.encode }

function json.decode(text)
  local value, _, why = dkjson.decode(text, 1, dkjson.null)
  if why then error(why, 2) end
  return value
end

-- The values of a file, one a line.
function json.lines(path)
  local values = {}
  for line in assert(io.open(path, "rb")):lines() do
    local value, _, why = dkjson.decode(line, 1, dkjson.null)
    if why then error(("%s:%d: %s"):format(path, #values + 1, why)) end
    values[#values + 1] = value
  end
  return values
end

return json

-- JSON Lines: dkjson comes with busted. null is json.null, inside of tables too.
local dkjson = require "dkjson"

local json = { null = dkjson.null }

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

-- Calls object:name(...), written as people write it, since error messages depend on that. `name` is a string.
local loadstring = loadstring or load

local chunks = {}

-- What pcall gives: true and results, or false and the error.
return function(object, name, ...)
  local chunk = chunks[name]
  if not chunk then
    chunk = assert(loadstring(("local object = ...\nlocal results = { object:%s(select(2, ...)) }\nreturn results")
      :format(name), "=call"))
    chunks[name] = chunk
  end
  return pcall(chunk, object, ...)
end

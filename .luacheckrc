-- "min" is what Lua 5.1 to 5.4 and LuaJIT have in common.
std = "min"
read_globals = {
  "unpack", table = { fields = { "unpack" } }, -- for `table.unpack or unpack`
  math = { fields = { "type", "tointeger" } }, -- asked for before use
}
max_line_length = 120
self = false
exclude_files = { "build", "lua_modules", ".luarocks" }
files["examples/love-arena"] = { std = "min+love" }
files["spec"] = { std = "max+busted" }
files["spec/love"] = { std = "max+love" }
files[".ci"] = { std = "max" }
files[".busted"] = { std = "max" }

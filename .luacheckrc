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
-- Stubs: functions without bodies, whose descriptions are one line each.
files["types"] = { max_line_length = false, unused = false, ignore = { "21", "23" } }
files[".ci/docs.lua"] = { std = "min", globals = { "Link", "Image", "Pandoc", "pandoc" } }

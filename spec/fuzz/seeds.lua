-- What a target of make fuzz starts from: seeds.lua TARGET CORPUS_DIRECTORY DICTIONARY_FILE
-- One file for each seed of seeds/TARGET.lua, and its words as a dictionary.

local target, corpus, dictionary = arg[1], arg[2], arg[3]
local from = dofile(("spec/fuzz/seeds/%s.lua"):format(target))

local function write(path, content)
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
end

for i, seed in ipairs(from.seeds) do write(("%s/seed%04d"):format(corpus, i), seed) end
local lines = {}
for i, word in ipairs(from.words) do
  lines[i] = '"' .. word:gsub(".", function(byte) return ("\\x%02x"):format(byte:byte()) end) .. '"\n'
end
write(dictionary, table.concat(lines))
print(("%s: %d seeds"):format(target, #from.seeds))

local certificates = require "support.certificates"
local process = require "support.process"

local here = debug.getinfo(1, "S").source:match "^@(.*)faults_memory_spec%.lua$"

describe("when the system has no memory left,", function()
  after_each(function()
    process.close()
    certificates.remove_files()
  end)

  local function survives(scenario)
    it("whichever allocation fails, nothing raises, hangs, crashes or is lost: " .. scenario, function()
      local files = {}
      for i, name in ipairs { "good_key", "good", "root" } do files[i] = certificates.path(certificates[name]) end
      local runs = process.lua(here .. "support/allocations.lua", files[1], files[2], files[3], scenario)
      local output, status = runs:finish({}, 120)
      assert.equals(0, status, output)
      local made, bad = output:match "(%d+) allocations, %d+ runs, (%d+) bad"
      assert.equals("0", bad, output)
      assert.is_true(tonumber(made) > 80, output)
    end)
  end

  survives "plain"
  -- The core is the same in every Lua; what the binding allocates is in the first.
  if _VERSION == "Lua 5.4" then
    survives "sockets"
    survives "tls"
  end
end)

-- Every case of sections 1 to 7 of the Autobahn test suite has one of ours, for a server and for a client, and
-- docs/conformance.md names every defect of libwebsockets that cases count on.
local answers = require "conformance.answers"
local echo = require "conformance.echo"

local SUBJECTS = { "framing", "control", "reserved", "fragmentation", "utf8", "closing", "masking" }

-- The number of cases of each of its groups.
local AUTOBAHN = {
  ["1.1"] = 8, ["1.2"] = 8, ["2"] = 11, ["3"] = 7, ["4.1"] = 5, ["4.2"] = 5, ["5"] = 20, ["6.1"] = 3, ["6.2"] = 4,
  ["6.3"] = 2, ["6.4"] = 4, ["6.5"] = 5, ["6.6"] = 11, ["6.7"] = 4, ["6.8"] = 2, ["6.9"] = 4, ["6.10"] = 3,
  ["6.11"] = 5, ["6.12"] = 8, ["6.13"] = 5, ["6.14"] = 10, ["6.15"] = 1, ["6.16"] = 3, ["6.17"] = 5, ["6.18"] = 5,
  ["6.19"] = 5, ["6.20"] = 7, ["6.21"] = 8, ["6.22"] = 34, ["6.23"] = 7, ["7.1"] = 6, ["7.3"] = 6, ["7.5"] = 1,
  ["7.7"] = 13, ["7.9"] = 9, ["7.13"] = 2,
}

local function document()
  local file = assert(io.open("docs/conformance.md"))
  local text = file:read("*a")
  file:close()
  return text
end

for _, role in ipairs { "server", "client" } do
  describe("the cases of a " .. role, function()
    local cases = {}
    for _, subject in ipairs(SUBJECTS) do
      for _, case in ipairs(require("conformance." .. subject)(role)) do cases[#cases + 1] = case end
    end

    it("stand for those of the Autobahn test suite, one for each", function()
      local count, missing = {}, {}
      for _, case in ipairs(cases) do
        if case.autobahn then count[case.autobahn] = (count[case.autobahn] or 0) + 1 end
      end
      for group, size in pairs(AUTOBAHN) do
        for i = 1, size do
          local id = group .. "." .. i
          if count[id] ~= 1 then missing[#missing + 1] = id .. ": " .. (count[id] or "none") end
          count[id] = nil
        end
      end
      assert.same({}, missing)
      assert.same({}, count)
    end)

    it("have names of their own", function()
      local seen, twice = {}, {}
      for _, case in ipairs(cases) do
        if seen[case[1]] then twice[#twice + 1] = case[1] end
        seen[case[1]] = true
      end
      assert.same({}, twice)
    end)
  end)
end

describe("the cases of a client over TLS", function()
  local counts = {}
  for _, subject in ipairs(SUBJECTS) do
    for _, case in ipairs(echo.over_tls(subject)) do
      local known = case.known and case.known[1] or "none"
      counts[known] = (counts[known] or 0) + 1
    end
  end
  for _, case in ipairs(answers) do
    if case.known then counts[case.known] = (counts[case.known] or 0) + 1 end
  end

  it("have a row in the documentation for every defect that they count on, and the other way round", function()
    for row in document():match("| defect |(.-)\n\n"):gmatch("\n| ([%a ]+) |") do
      assert.is_truthy(counts[row], row)
      counts[row] = nil
    end
    assert.is_truthy(counts.none > 200)
    counts.none = nil
    assert.same({}, counts)
  end)
end)

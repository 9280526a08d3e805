-- RFC 6455 against our client. What the cases are is told in conformance/echo.lua.
local echo = require "conformance.echo"

local SUBJECTS = { "framing", "control", "reserved", "fragmentation", "utf8", "closing", "masking" }

describe("RFC 6455: a client and", function()
  setup(function() echo.setup "client" end)
  teardown(echo.teardown)

  for _, subject in ipairs(SUBJECTS) do
    describe(subject .. ":", function()
      for _, case in ipairs(require("conformance." .. subject) "client") do
        it(case[1], function() echo.run("client", case) end)
      end
    end)
  end
end)

-- Over TLS libwebsockets reads the frames: what it does differently, and what it gets right.
describe("RFC 6455: a client over TLS and", function()
  setup(function() echo.setup "secure client" end)
  teardown(echo.teardown)

  for _, subject in ipairs(SUBJECTS) do
    describe(subject .. ":", function()
      for _, case in ipairs(echo.over_tls(subject)) do
        it(case[1], function() echo.run("secure client", case) end)
      end
    end)
  end
end)

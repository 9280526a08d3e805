-- RFC 6455 against our client. What the cases are is told in conformance/echo.lua.
local echo = require "conformance.echo"

describe("RFC 6455: a client and", function()
  setup(function() echo.setup "client" end)
  teardown(echo.teardown)

  for _, subject in ipairs { "framing", "control", "reserved", "fragmentation", "utf8", "closing", "masking" } do
    describe(subject .. ":", function()
      for _, case in ipairs(require("conformance." .. subject) "client") do
        it(case[1], function() echo.run("client", case) end)
      end
    end)
  end
end)

-- RFC 6455 against our server. What the cases are is told in conformance/echo.lua.
local echo = require "conformance.echo"

describe("RFC 6455: a server and", function()
  setup(function() echo.setup "server" end)
  teardown(echo.teardown)

  for _, subject in ipairs { "framing", "control", "reserved", "fragmentation", "utf8", "closing", "masking" } do
    describe(subject .. ":", function()
      for _, case in ipairs(require("conformance." .. subject) "server") do
        it(case[1], function() echo.run("server", case) end)
      end
    end)
  end
end)

-- busted's output for .ci/test. Says nothing about what passes, shows at once and in full what fails, and keeps the
-- account in the file named by REPORT, so that it is right even when the process dies in the middle of a test:
--   count PASSED FAILED SKIPPED / now FILE:LINE: NAME, or "done" / skip FILE:LINE: NAME (WHY) ...
return function(options)
  local handler = require "busted.outputHandlers.base"()
  local busted = require "busted"
  local path = assert(os.getenv "REPORT", "REPORT names the file of the account")
  local passed, failed, skips = 0, 0, {}

  local function place(element)
    local trace = element.trace or {}
    if not trace.currentline then return handler.getFullName(element) end
    return ("%s:%d: %s"):format(trace.short_src, trace.currentline, handler.getFullName(element))
  end

  local function account(now)
    local file = assert(io.open(path, "w"))
    file:write(("count %d %d %d\n%s\n"):format(passed, failed, #skips, now))
    for _, skip in ipairs(skips) do file:write("skip ", skip, "\n") end
    file:close()
  end

  local function text(message)
    if message == nil then return "nil error" end
    return type(message) == "string" and message or require("pl.pretty").write(message)
  end

  local function fail(element, message, trace)
    failed = failed + 1
    local lines = { "FAILED " .. place(element), text(message) }
    lines[#lines + 1] = trace and trace.traceback and trace.traceback:gsub("^\n", "")
    io.stdout:write((table.concat(lines, "\n"):gsub("\n", "\n    ")), "\n")
    io.stdout:flush()
  end

  function handler.testStart(element)
    account("now " .. place(element))
    return nil, true
  end

  function handler.testEnd(element, _, status)
    if status == "success" then
      passed = passed + 1
    elseif status == "pending" then
      local why = handler.pendings[#handler.pendings].message
      why = why and " (" .. text(why):gsub("^.-:%-?%d+: ", "") .. ")" or ""
      skips[#skips + 1] = (place(element) .. why):gsub("%s", " ")
    end
    return nil, true
  end

  -- Errors in a test, in before_each and the like, and in a file as a whole: each is a failure.
  function handler.problem(element, _, message, trace)
    fail(element, message, trace)
    return nil, true
  end

  function handler.suiteEnd()
    account("done")
    return nil, true
  end

  busted.subscribe({ "test", "start" }, handler.testStart, { predicate = handler.cancelOnPending })
  busted.subscribe({ "test", "end" }, handler.testEnd, { predicate = handler.cancelOnPending })
  busted.subscribe({ "failure" }, handler.problem)
  busted.subscribe({ "error" }, handler.problem)
  busted.subscribe({ "suite", "end" }, handler.suiteEnd)
  account("now loading the specs")
  handler.options = options
  return handler
end

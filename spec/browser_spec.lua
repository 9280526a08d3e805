-- The client module for browsers, and the arena's page, in a real Chromium.
local chromium = require "support.chromium"
local session = require "support.session"
local ws = require "wsmultiplayer"

local here = debug.getinfo(1, "S").source:match "^@(.*)browser_spec%.lua$"

local missing = chromium.missing()
if missing then
  describe("in a browser", function()
    it("everything", function() pending(missing) end)
  end)
  return
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

-- What pages of specs may load from the server of a spec.
local FILES = {
  ["/wsmultiplayer.js"] = { here .. "../examples/browser/wsmultiplayer.js", "text/javascript" },
  ["/golden.js"] = { here .. "support/golden.js", "text/javascript" },
  ["/data/variant_vectors.jsonl"] = { here .. "data/variant_vectors.jsonl", "text/plain" },
  ["/data/variant_malformed.jsonl"] = { here .. "data/variant_malformed.jsonl", "text/plain" },
}

local function serve_file(request)
  if request.path == "/" then return 200, { ["content-type"] = "text/html" }, "<!DOCTYPE html><title>spec</title>" end
  local file = FILES[request.path]
  if file then return 200, { ["content-type"] = file[2] }, read_file(file[1]) end
  return 404
end

local browser
setup(function() browser = chromium.start() end)
teardown(function() browser:quit() end)

describe("wsmultiplayer.js in Chromium", function()
  local files, page

  setup(function()
    files = session.peer { on_http_request = serve_file }
    assert(files:create_server(0, "127.0.0.1") == ws.OK)
    browser.polled = { files }
    page = browser:open(("http://127.0.0.1:%d/"):format(files:get_bound_port()))
  end)

  it("makes of Godot's golden Variants what Godot makes of them", function()
    local result = page:evaluate "import('/golden.js').then((golden) => golden.check_vectors())"
    assert.equal("all of them", result.decoded)
    assert.equal("all of them", result.reencoded)
    assert.equal("all of them", result.built)
    assert.equal("all of 3", result.refused)
    assert.is_true(result.skipped < 0.25, result.skipped .. " skipped")
  end)

  it("takes and refuses unusual and malformed bytes as Godot does", function()
    local result = page:evaluate "import('/golden.js').then((golden) => golden.check_malformed())"
    assert.equal("all of them", result.decoded)
    assert.equal("all of them", result.reencoded)
  end)
end)

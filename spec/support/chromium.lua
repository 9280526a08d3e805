-- A real Chromium for the specs, without a window: commanded through its DevTools protocol, over a WebSocketPeer of
-- ours.
--
--   local browser = chromium.start()
--   local page = browser:open("http://127.0.0.1:8080/")
--   page:wait_for("document.title === 'Arena'")
--   local title = page:evaluate "document.title"
--   page:press "KeyD"; page:release "KeyD"
--   browser:quit()
--
-- While something is awaited, the objects in browser.polled are polled too.
local mime = require "mime"
local json = require "support.json"
local process = require "support.process"
local wait = require "support.wait"
local ws = require "wsmultiplayer"

local START_PATIENCE = 60 -- the first start on a slow machine
local PATIENCE = 20
local MESSAGE_MAX = 16 * 1024 * 1024 -- screenshots come in one message

local chromium = {}

local function succeeds(command)
  local result = os.execute(command)
  return result == true or result == 0
end

local function output_of(command)
  local pipe = io.popen(command)
  local text = pipe:read "*a"
  pipe:close()
  return text
end

local function find_command()
  local named = os.getenv "CHROMIUM"
  if named and named ~= "" then return named end
  return output_of("command -v chromium || command -v chromium-browser || command -v google-chrome"):match "^[^\n]+"
end

-- Nil where there is a Chromium to start; else the text that says what is missing.
function chromium.missing()
  return not find_command() and "no Chromium found, set CHROMIUM=/path/to/chromium" or nil
end

-- ---- The browser

local Browser, Page = {}, {}
Browser.__index, Page.__index = Browser, Page

local OPTIONS = {
  "--headless=new", "--remote-debugging-port=0", "--window-size=1280,800", "--force-device-scale-factor=1", "--lang=en",
  "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio", "--no-proxy-server",
  "--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync", "--disable-breakpad",
  "--disable-background-networking", "--disable-component-update",
}

local function start_process(folder)
  local words = {}
  for _, option in ipairs(OPTIONS) do words[#words + 1] = process.quote(option) end
  -- Its sandbox does not work for root.
  if output_of("id -u"):match "^0" then words[#words + 1] = "--no-sandbox" end
  words[#words + 1] = process.quote("--user-data-dir=" .. folder)
  -- A sanitizer loaded into us is not for Chromium. The shell waits for it, so that it is gone when it has ended.
  local pipe = assert(io.popen(("unset LD_PRELOAD; %s %s about:blank >%s 2>&1 </dev/null & echo $!; wait"):format(
    process.quote(assert(find_command())), table.concat(words, " "), process.quote(folder .. "/log"))))
  return pipe, assert(tonumber((pipe:read "*l")))
end

function chromium.start()
  local folder = output_of("mktemp -d"):match "^[^\n]+"
  local self = setmetatable({ folder = folder, polled = {}, pages = {}, answers = {}, count = 0 }, Browser)
  self.pipe, self.pid = start_process(folder)
  local ok, why = pcall(self.connect, self)
  if ok then return self end
  why = why .. "\nChromium's own output ends with:\n" .. process.read_file(folder .. "/log"):sub(-2000)
  self:quit()
  error(why, 0)
end

-- It writes the port and the path into its profile when it is ready.
function Browser:connect()
  local port, path
  wait.until_(function()
    port, path = process.read_file(self.folder .. "/DevToolsActivePort"):match "^(%d+)\n(/[^\n]+)"
    return path or not self:is_running()
  end, {}, START_PATIENCE, "Chromium to start")
  assert(path, "Chromium has ended")
  local peer = ws.WebSocketPeer.new()
  peer.inbound_buffer_size, peer.outbound_buffer_size = MESSAGE_MAX, MESSAGE_MAX
  self.peer = peer
  assert(peer:connect_to_url(("ws://127.0.0.1:%d%s"):format(port, path)) == ws.OK)
  wait.until_(function() return peer:get_ready_state() ~= ws.WebSocketPeer.STATE_CONNECTING end, { peer }, PATIENCE,
    "Chromium's DevTools")
  assert(peer:get_ready_state() == ws.WebSocketPeer.STATE_OPEN, peer:get_last_error())
end

function Browser:is_running() return succeeds(("kill -0 %d 2>/dev/null"):format(self.pid)) end

function Browser:hear(message)
  local page = self.pages[message.sessionId]
  if message.id then
    self.answers[message.id] = message
  elseif page and message.method == "Runtime.exceptionThrown" then
    local details = message.params.exceptionDetails
    table.insert(page.errors, type(details.exception) == "table" and details.exception.description or details.text)
  elseif page and message.method == "Page.loadEventFired" then
    page.loaded = true
  end
end

-- Polls everybody until condition() gives something true, and returns that.
function Browser:wait(condition, what, seconds)
  local everybody = { self.peer }
  for _, object in ipairs(self.polled) do everybody[#everybody + 1] = object end
  return wait.until_(function()
    for text in self.peer:packets() do self:hear(json.decode(text)) end
    if self.peer:get_ready_state() == ws.WebSocketPeer.STATE_CLOSED then
      error("Chromium has ended: " .. self.peer:get_last_error(), 0)
    end
    return condition()
  end, everybody, seconds or PATIENCE, what)
end

-- Sends a command of the DevTools protocol; gives its result.
function Browser:command(method, params, session)
  self.count = self.count + 1
  local id = self.count
  local text = json.encode { id = id, method = method, params = params or setmetatable({}, { __jsontype = "object" }),
    sessionId = session }
  assert(self.peer:send_text(text) == ws.OK, "could not send to Chromium")
  local answer = self:wait(function() return self.answers[id] end, "Chromium's answer to " .. method)
  self.answers[id] = nil
  if answer.error then error(method .. ": " .. answer.error.message, 2) end
  return answer.result
end

-- Opens a page in a tab of its own, and waits until it is loaded.
function Browser:open(url)
  local target = self:command("Target.createTarget", { url = "about:blank" }).targetId
  local session = self:command("Target.attachToTarget", { targetId = target, flatten = true }).sessionId
  local page = setmetatable({ browser = self, target = target, session = session, errors = {} }, Page)
  self.pages[session] = page
  page:command "Page.enable"
  page:command "Runtime.enable"
  page:go(url)
  return page
end

-- Ends it, and everything that it has started.
function Browser:quit()
  if self.peer and self.peer:get_ready_state() == ws.WebSocketPeer.STATE_OPEN then
    self.peer:send_text '{"id":0,"method":"Browser.close"}'
    pcall(wait.until_, function() return not self:is_running() end, { self.peer }, 10)
  end
  if self:is_running() then os.execute(("kill -9 %d"):format(self.pid)) end
  if self.peer then self.peer:close(-1) end
  self.pipe:close() -- waits for its end
  os.execute("rm -rf " .. process.quote(self.folder))
end

-- ---- A page

function Page:command(method, params) return self.browser:command(method, params, self.session) end

function Page:go(url)
  self.loaded = false
  local result = self:command("Page.navigate", { url = url })
  assert(not result.errorText, result.errorText)
  self.browser:wait(function() return self.loaded end, url .. " to be loaded")
end

-- Runs a script in each document that is loaded from now on, before its own.
function Page:on_each_load(script) self:command("Page.addScriptToEvaluateOnNewDocument", { source = script }) end

-- The value of a JavaScript expression, after the end of the promise that it may be.
function Page:evaluate(expression)
  local result = self:command("Runtime.evaluate", {
    expression = expression, awaitPromise = true, returnByValue = true, userGesture = true,
  })
  local details = result.exceptionDetails
  if details then
    local exception = details.exception or {}
    error(exception.description or tostring(exception.value or details.text), 2)
  end
  return result.result.value
end

-- Waits until a JavaScript expression is true.
function Page:wait_for(expression, what, seconds)
  local deadline = seconds or PATIENCE
  -- Asked over and over in the page itself, which knows what time it is.
  local value = self:evaluate(([[(async () => {
    for (const end = performance.now() + %d; performance.now() < end; await new Promise((go) => setTimeout(go, 10))) {
      const value = %s;
      if (value) return value;
    }
  })()]]):format(deadline * 900, expression))
  if value == nil then error(("waited in vain for %s"):format(what or expression), 2) end
  return value
end

-- The text of the element that a selector finds.
function Page:text(selector)
  return self:evaluate(("document.querySelector(%s).innerText"):format(json.encode(selector)))
end

local KEYS = {
  Enter = { "Enter", 13, "\r" }, Escape = { "Escape", 27 },
  ArrowLeft = { "ArrowLeft", 37 }, ArrowUp = { "ArrowUp", 38 },
  ArrowRight = { "ArrowRight", 39 }, ArrowDown = { "ArrowDown", 40 },
}

local function key_event(kind, code)
  local key = KEYS[code]
  if not key then
    local letter = code:match "^Key(%u)$"
    key = { letter:lower(), letter:byte(), letter:lower() }
  end
  local text = kind == "keyDown" and key[3] or nil
  return { type = kind, code = code, key = key[1], windowsVirtualKeyCode = key[2], text = text }
end

-- Keys by their place on the keyboard: "KeyW", "ArrowLeft", "Enter".
function Page:press(code) self:command("Input.dispatchKeyEvent", key_event("keyDown", code)) end

function Page:release(code) self:command("Input.dispatchKeyEvent", key_event("keyUp", code)) end

function Page:strike(code)
  self:press(code)
  self:release(code)
end

-- Types into what has the focus.
function Page:type(text) self:command("Input.insertText", { text = text }) end

-- kind: mousePressed, mouseMoved or mouseReleased.
function Page:mouse(kind, x, y)
  self:command("Input.dispatchMouseEvent", { type = kind, x = x, y = y, button = "left", buttons = 1, clickCount = 1 })
end

function Page:click(selector)
  local place = self:evaluate(([[(() => {
    const box = document.querySelector(%s).getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  })()]]):format(json.encode(selector)))
  self:mouse("mousePressed", place[1], place[2])
  self:mouse("mouseReleased", place[1], place[2])
end

function Page:resize(width, height)
  self:command("Emulation.setDeviceMetricsOverride", {
    width = width, height = height, deviceScaleFactor = 1, mobile = false,
  })
end

-- What is to be seen, as the bytes of a PNG.
function Page:screenshot()
  return (mime.unb64(self:command("Page.captureScreenshot", { format = "png" }).data))
end

function Page:close()
  self.browser:command("Target.closeTarget", { targetId = self.target })
  self.browser.pages[self.session] = nil
end

return chromium

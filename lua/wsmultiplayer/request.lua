--- An HTTP request as a server's hooks see it, and what their answers mean.

local errors = require("wsmultiplayer.core").errors
local OK, ERR_OUT_OF_MEMORY = errors.OK, errors.ERR_OUT_OF_MEMORY

local function split_list(text)
  local list = {}
  for part in (text or ""):gmatch("[^,]+") do
    local item = part:match("^%s*(.-)%s*$")
    if item ~= "" then list[#list + 1] = item end
  end
  return list
end

--- The header lines of a request: values by names in lower case. Repeated ones are joined by ", " (RFC 9110 section
-- 5.3).
local function parse_headers(head)
  local headers = {}
  for field, text in head:gmatch("\r\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    local name, value = field:lower(), text:match("^(.-)[ \t]*$")
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  return headers
end

--- The request of a connection.
-- @field method "GET" for every WebSocket request
-- @field target the request target, "/path?query"
-- @field path, query its parts, as they were sent; query is "" without one
-- @field headers see parse_headers
-- @field host, origin the headers; nil without them
-- @field protocols the sub-protocols asked for, a list
-- @field address, port of the client
-- @field tls whether it came over TLS
local function parse(head, address, port, tls)
  local headers = parse_headers(head)
  local method, target = head:match("^([^ ]+) ([^ ]+)")
  return {
    method = method,
    target = target,
    path = target:match("^[^?]*"),
    query = target:match("%?(.*)") or "",
    headers = headers,
    host = headers.host,
    origin = headers.origin,
    protocols = split_list(headers["sec-websocket-protocol"]),
    address = address,
    port = port,
    tls = tls,
  }
end

local function is_status(value, least)
  return type(value) == "number" and value >= least and value <= 599 and value % 1 == 0
end

-- What on_request returns: nothing or true admits, false refuses with 403, a number from 400 to 599 with that status;
-- a text may follow.
local function verdict(answer, text)
  if answer == nil or answer == true then return 101, "" end
  if answer == false then return 403, text or "not admitted" end
  if is_status(answer, 400) then return answer, text or "not admitted" end
  error("on_request must return nil, true, false or a status from 400 to 599, not " .. tostring(answer), 0)
end

-- Written by the server itself: they tell where the answer ends.
local RESERVED = { ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true }

-- The header lines of a table { name = value, or a list of values }. The C core checks what they consist of.
local function header_lines(headers)
  local lines, typed = {}, false
  for name, values in pairs(headers) do
    if type(name) ~= "string" or name:find(":", 1, true) or RESERVED[name:lower()] then
      error(("on_http_request: %s is no header that an answer can have"):format(tostring(name)), 0)
    end
    typed = typed or name:lower() == "content-type"
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      if type(value) ~= "string" and type(value) ~= "number" then
        error(("on_http_request: header %s must be a string, not a %s"):format(name, type(value)), 0)
      end
      local line = name .. ": " .. value
      if line:find("\0", 1, true) then error(("on_http_request: header %s has a zero byte"):format(name), 0) end
      lines[#lines + 1] = line
    end
  end
  return lines, typed
end

-- What on_http_request returns: a status from 200 to 599, a table of headers or nil, a body or nil. Nothing at all: the
-- request is answered as without the hook.
local function serve(class, object, status, headers, body)
  if status == nil then return class.answer(object, 101) end
  if not is_status(status, 200) then
    error("on_http_request must return a status from 200 to 599, not " .. tostring(status), 0)
  elseif headers ~= nil and type(headers) ~= "table" then
    error("on_http_request must return a table of headers after the status, not a " .. type(headers), 0)
  elseif body ~= nil and type(body) ~= "string" then
    error("on_http_request must return a string as the body, not a " .. type(body), 0)
  end
  local lines, typed = header_lines(headers or {})
  if body and not typed then lines[#lines + 1] = "Content-Type: text/plain; charset=utf-8" end
  local err, why = class.respond(object, status, lines, body or "")
  if err == ERR_OUT_OF_MEMORY then return class.answer(object, 500, why) end -- no fault of the hook's
  if err ~= OK then error("on_http_request: " .. why, 0) end
end

--- Has the hook of the object that the request is meant for judge it: `head` and what follows are the results of
-- class.request or class.next_request.
local function judge(class, object, head, address, port, tls, plain)
  local hook
  if plain then hook = object.on_http_request else hook = object.on_request end
  if not hook then return class.answer(object, 101) end
  local request = parse(head, address, port, tls)
  if plain then return serve(class, object, hook(request)) end
  local status, text = verdict(hook(request))
  class.answer(object, status, tostring(text))
end

return { parse = parse, parse_headers = parse_headers, judge = judge }

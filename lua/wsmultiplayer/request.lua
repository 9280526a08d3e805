--- A WebSocket request as a server's `on_request` hook sees it, and what the hook's answer means.

local function split_list(text)
  local list = {}
  for item in (text or ""):gmatch("[^,]+") do
    item = item:match("^%s*(.-)%s*$")
    if item ~= "" then list[#list + 1] = item end
  end
  return list
end

--- The request of a connection. Repeated headers are joined by ", " (RFC 9110 section 5.3).
-- @field target the request target, "/path?query"
-- @field path, query its parts; query is "" without one
-- @field headers by name in lower case
-- @field host, origin the headers; nil without them
-- @field protocols the sub-protocols asked for, a list
-- @field address, port of the client
-- @field tls whether it came over wss://
local function parse(head, address, port, tls)
  local headers = {}
  local target = head:match("^%S+ (%S+)")
  for name, value in head:gmatch("\r\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    name, value = name:lower(), value:match("^(.-)[ \t]*$")
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  return {
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

-- What a hook returns: nothing or true admits, false refuses with 403, a number from 400 to 599 with that status; a
-- text may follow.
local function verdict(answer, text)
  if answer == nil or answer == true then return 101, "" end
  if answer == false then return 403, text or "not admitted" end
  if type(answer) == "number" and answer >= 400 and answer <= 599 and answer % 1 == 0 then
    return answer, text or "not admitted"
  end
  error("on_request must return nil, true, false or a status from 400 to 599, not " .. tostring(answer), 0)
end

--- Calls the hook for one request and hands its verdict to `answer`.
local function judge(hook, answer, object, ...)
  local status, text = verdict(hook(parse(...)))
  answer(object, status, tostring(text))
end

return { parse = parse, judge = judge }

---@meta _

--- A request as `on_request` and `on_http_request` see it.
---@class ws.Request
---@field method string `"GET"` for every WebSocket request.
---@field target string As it was sent: `"/path?query"`.
---@field path string The part before the `?`.
---@field query string The part behind it; `""` without one.
---@field headers table<string, string> By name in lower case; repeated ones are joined by `", "`.
---@field host? string The header.
---@field origin? string The header; browsers send it.
---@field protocols string[] The sub-protocols asked for.
---@field address string Of the client.
---@field port integer Of the client.
---@field tls boolean Whether it came over TLS.
local Request = {}

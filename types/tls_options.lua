---@meta _

--- How TLS is done: made by one of three functions, and not changed any more. Texts are PEM, or the path of a PEM file, which is read when the
--- options are used.
---@class ws.TLSOptions
local TLSOptions = {}

--- Verifies the server: its chain, its dates, and its name.
---@param trusted_chain? string Authorities, or the server's own certificate. Not given: the system's authorities.
---@param common_name_override? string The name to verify instead of the URL's. Needed for IPv6 addresses.
---@return ws.TLSOptions options
function TLSOptions.client(trusted_chain, common_name_override) end

--- Encrypts, but verifies no name; without a chain nothing at all.
---@param trusted_chain? string
---@return ws.TLSOptions options
function TLSOptions.client_unsafe(trusted_chain) end

--- For a server. A key that does not fit is told by `create_server` or `listen`.
---@param key string
---@param certificate string With the intermediate certificates behind it.
---@return ws.TLSOptions options
function TLSOptions.server(key, certificate) end

---@return boolean server
function TLSOptions:is_server() end

---@return boolean unsafe
function TLSOptions:is_unsafe_client() end

---@return string name `""` without one.
function TLSOptions:get_common_name_override() end

---@return string? chain
function TLSOptions:get_trusted_ca_chain() end

---@return string? key
function TLSOptions:get_private_key() end

---@return string? certificate
function TLSOptions:get_own_certificate() end

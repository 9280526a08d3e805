-- examples/proxies: wss:// at a real HAProxy and a real nginx, a plain server of ours behind them.
-- What is tested lies in other processes, which one Lua is enough for.
if _VERSION ~= "Lua 5.4" then return end

local certificates = require "support.certificates"
local process = require "support.process"
local raw = require "support.raw"
local session = require "support.session"
local wait = require "support.wait"
local ws = require "wsmultiplayer"

local folder = debug.getinfo(1, "S").source:match "^@(.*)spec[/\\]proxies_spec%.lua$" .. "examples/proxies/"

local function read_file(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

-- What is here in place of what is in the file; all of it must be there.
local function replace(text, changes)
  for old, new in pairs(changes) do
    local at, last = text:find(old, 1, true)
    assert(at, "nothing to replace: " .. old)
    while at do
      text = text:sub(1, at - 1) .. new .. text:sub(last + 1)
      at, last = text:find(old, at + #new, true)
    end
  end
  return text
end

local proxies = {}

function proxies.haproxy(port, behind, options)
  local path = folder .. "haproxy.cfg"
  if options.without then path = certificates.path(replace(read_file(path), options.without)) end
  return process.start_stranger({ "haproxy", "-db", "-f", path }, {
    ENTRANCE = "127.0.0.1:" .. port, SERVER = "127.0.0.1:" .. behind, IDLE = options.idle,
    CERTIFICATE = certificates.path(certificates.good .. certificates.good_key),
  })
end

local nginx_folder

function proxies.nginx(port, behind, options)
  nginx_folder = os.tmpname()
  os.remove(nginx_folder)
  assert(os.execute("mkdir " .. nginx_folder))
  local own = "http {\naccess_log off;\n"
  for _, kind in ipairs { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" } do
    own = own .. ("%s_temp_path %s/%s;\n"):format(kind, nginx_folder, kind)
  end
  local text = replace(read_file(folder .. "nginx.conf"), {
    ["\nhttp {"] = "\n" .. own,
    ["listen 443 ssl"] = ("listen 127.0.0.1:%d ssl"):format(port),
    ["http://127.0.0.1:9080"] = "http://127.0.0.1:" .. behind,
    ["/etc/nginx/game.pem"] = certificates.path(certificates.good),
    ["/etc/nginx/game.key"] = certificates.path(certificates.good_key),
    ["35s"] = options.idle or "35s",
  })
  text = replace(text, options.without or {})
  return process.start_stranger { "nginx", "-e", "stderr", "-c", certificates.path(text), "-p", nginx_folder,
    "-g", "daemon off; master_process off; pid " .. nginx_folder .. "/pid;" }
end

for name, start in pairs(proxies) do
  local it = it
  if not process.find(name) then
    it = function(text) pending(("%s [NOT RUN: %s is not installed]"):format(text, name)) end
  end

  describe(name .. " with wss:// before a plain server", function()
    local server, requests, port

    local function serve(options, properties)
      options = options or {}
      server = session.server(properties, "127.0.0.1")
      requests = {}
      server.on_request = function(request) requests[#requests + 1] = request end
      server.on_http_request = function(request)
        return 200, nil, "a page for " .. request.headers["x-forwarded-for"] .. "\n"
      end
      port = raw.free_port()
      local proxy = start(port, options.behind or server:get_bound_port(), options)
      wait.until_(function()
        local text, status = proxy:output()
        if status then error(name .. " ended:\n" .. text, 0) end
        return raw.reachable(port, "127.0.0.1")
      end, { server }, 20, name .. " to listen")
    end

    local function connect(properties)
      local client = session.peer(properties)
      local url = ("wss://localhost:%d/room/blue?ticket=1"):format(port)
      assert.equals(ws.OK, (client:create_client(url, ws.TLSOptions.client(certificates.root))))
      wait.until_(function()
        return client:get_connection_status() ~= ws.MultiplayerPeer.CONNECTION_CONNECTING
      end, { server, client })
      return client
    end

    after_each(function()
      session.close()
      process.close()
      certificates.remove_files()
      if nginx_folder then os.execute("rm -rf " .. nginx_folder) end
      nginx_folder = nil
    end)

    it("passes on requests, packets of all sizes both ways, and closing", function()
      serve()
      local client = connect { handshake_headers = { "X-Forwarded-For: 6.6.6.6" } }
      assert.is_true(session.is_connected(client), client:get_last_error())
      local request, id = requests[1], client:get_unique_id()
      assert.same({ "/room/blue", "ticket=1", "127.0.0.1", "https", false }, { request.path, request.query,
        request.headers["x-forwarded-for"], request.headers["x-forwarded-proto"], request.tls })
      assert.matches("^localhost", request.host)
      local sizes = { 1, 125, 126, 4096, 16384, 60000 }
      for _, from in ipairs { client, server } do
        local to = from == client and server or client
        from:set_target_peer(from == client and 1 or id)
        for _, size in ipairs(sizes) do
          assert.equals(ws.OK, (from:put_packet(("%5d"):format(size):rep(math.ceil(size / 5)):sub(1, size))))
          local packet = session.receive(to, 1, { server, client })[1]
          assert.equals(size, #packet)
        end
      end
      local events = session.record(client)
      server:get_peer(id):close(4001, "enough")
      local event = session.event(events, 1, { server, client })
      assert.same({ 4001, "enough" }, { event.code, event.reason })
      events = session.record(server)
      client = connect()
      client:close()
      event = session.event(events, 2, { server })
      assert.same({ "disconnected", 1000 }, { event.name, event.code })
    end)

    it("serves plain HTTP by the same entrance", function()
      serve()
      local request = "GET /health HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
      local command = "printf '%s' | openssl s_client -quiet -verify_return_error -CAfile %s -connect 127.0.0.1:%d"
      local asked = process.start { "sh", "-c",
        command:format(request, certificates.path(certificates.root), port) }
      asked:expect("(a page for 127%.0%.0%.1\n)", { server })
    end)

    it("cuts a quiet connection, unless there are heartbeats", function()
      serve({ idle = "1s" }, { heartbeat_interval = 0.3 })
      local client = connect()
      assert.is_true(session.is_connected(client), client:get_last_error())
      wait.quiet({ server, client }, 2.5)
      assert.is_true(session.is_connected(client))
      server.heartbeat_interval = 0
      wait.until_(function() return session.is_disconnected(client) end, { server, client }, 5)
      assert.matches("lost", client:get_last_error())
      wait.until_(function() return #server:get_peers() == 0 end, { server }, 5)
    end)

    it("is told apart from the game when nobody is behind it", function()
      serve { behind = raw.free_port() }
      assert.matches("HTTP status " .. (name == "nginx" and 502 or 503), connect():get_last_error())
    end)

    if name == "nginx" then
      it("needs its three lines for WebSockets", function()
        serve { without = { ["proxy_http_version 1.1;"] = "",
          ["proxy_set_header Upgrade $http_upgrade;"] = "",
          ["proxy_set_header Connection $connection_upgrade;"] = "" } }
        server.on_http_request = nil
        assert.matches("HTTP status 505", connect():get_last_error())
      end)
    end
  end)
end

-- Configuration in the documentation is what the specs run.
describe("docs/proxies.md and docs/cluster.md", function()
  local examples = folder:gsub("proxies/$", "")

  local function files(...)
    local texts = {}
    for _, path in ipairs { ... } do texts[#texts + 1] = read_file(examples .. path) end
    return table.concat(texts, "\n\n")
  end

  it("show configuration as it is in the examples", function()
    local all = files("proxies/haproxy.cfg", "proxies/nginx.conf", "cluster/haproxy.cfg", "cluster/tls.cfg",
      "cluster/systemd/wsroom@.service", "cluster/join.gd")
    all = all .. '\n  server s4 "${S4}" id 4 disabled\n' -- which spec/cluster_spec.lua adds
    local count = 0
    for _, name in ipairs { "proxies", "cluster" } do
      for kind, block in read_file(examples .. "../docs/" .. name .. ".md"):gmatch "\n```(%a+)\n(.-\n)```" do
        if kind ~= "sh" and kind ~= "lua" then
          count = count + 1
          assert(all:find(block, 1, true), "in no file of the examples:\n" .. block)
        end
      end
    end
    assert.equals(8, count)
  end)

  it("name units that systemd takes", function()
    if not process.find "systemd-analyze" then return pending "NOT RUN: systemd-analyze is not installed" end
    local units = os.tmpname()
    os.remove(units)
    finally(function() os.execute("rm -rf " .. units) end)
    local command = "unset LD_PRELOAD; mkdir %s && cp %s/* %s && cd %s && mv wsroom@.service wsroom@1.service"
    assert(os.execute(command:format(units, process.quote(examples .. "cluster/systemd"), units, units)))
    local verify = process.start {
      "systemd-analyze", "verify", units .. "/wsroom@1.service", units .. "/wslobby.service",
    }
    local text, status = verify:finish()
    process.close()
    assert.equals(0, status, text)
  end)
end)

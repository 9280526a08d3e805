-- What the project wants to reach. measure(value, lua) gets value(case, server or nil for ours, key).
-- sign 1: less is better; -1: more is better.

local function cpu(case, other, factor)
  return function(value)
    local own, base = value(case, nil, "cpu_us"), value(case, other, "cpu_us")
    return own and base and own / (base * (factor or 1))
  end
end

local function own(case, key)
  return function(value) return value(case, nil, key) end
end

local BURST, LONE, LARGE = "echo 50/16/64", "echo 50/1/64", "echo 4/4/65536"

-- uWebSockets, which can't be installed everywhere, measured 1.14 times plain TCP in the first case.
local UWEBSOCKETS = 1.14

return {
  { text = "echo 64 B, 50 connections, window 16, to plain TCP", least = 3.0, aim = 1.7, sign = 1,
    measure = cpu(BURST, "raw") },
  { text = "the same to ordinary libwebsockets", least = 0.20, aim = 0.12, sign = 1, measure = cpu(BURST, "lws") },
  { text = "the same to uWebSockets' figure", least = 2.5, aim = 1.5, sign = 1,
    measure = cpu(BURST, "raw", UWEBSOCKETS) },
  { text = "the same to Godot", least = 1 / 8, aim = 1 / 15, sign = 1, measure = cpu(BURST, "godot") },
  { text = "the same to lua-http", least = 1 / 12, aim = 1 / 20, sign = 1, measure = cpu(BURST, "lua-http") },
  { text = "the same to Python's websockets", least = 1 / 20, aim = 1 / 35, sign = 1, measure = cpu(BURST, "python") },
  { text = "echo 64 B, 50 connections, window 1, to plain TCP", least = 1.25, aim = 1.10, sign = 1,
    measure = cpu(LONE, "raw") },
  { text = "echo 64 KiB, 4 connections, window 4, to ordinary libwebsockets", least = 0.25, aim = 0.15, sign = 1,
    measure = cpu(LARGE, "lws") },
  { text = "the same to plain TCP", least = 2.5, aim = 1.8, sign = 1, measure = cpu(LARGE, "raw") },
  { text = "broadcast 64 B to 100, window 16, per delivery, to plain TCP", least = 1.4, aim = 1.1, sign = 1,
    measure = cpu("broadcast 100/16/64", "raw") },
  { text = "broadcast 64 B to 1,000, window 1, per delivery, to plain TCP", least = 1.5, aim = 1.2, sign = 1,
    measure = cpu("broadcast 1000/1/64", "raw") },
  { text = "sends per message, 50/16/64", least = 0.07, aim = 0.065, sign = 1,
    measure = own("sends per message 50/16/64", "calls") },
  { text = "instructions of the C core per echoed message, 50/16/64", least = 900, aim = 350, sign = 1,
    measure = own("instructions 50/16/64", "instructions") },
  { text = "idle poll() with 1,000 connections, us", least = 20, aim = 1.5, sign = 1,
    measure = own("idle 1000", "poll_us") },
  { text = "idle poll() with 10,000 connections, us", least = 20, aim = 1.5, sign = 1,
    measure = own("idle 10000", "poll_us") },
  { text = "paced: 1,000 connections, 4,000 messages/s, waiting poll, to plain TCP", least = 2.0, aim = 1.3, sign = 1,
    measure = cpu("paced 1000/16/64", "raw") },
  { text = "60 Hz loop, 10 clients, window 16, 64 B: share of window x fps answered, %", least = 95, aim = 100,
    sign = -1,
    measure = function(value)
      local rate = value("60 Hz 10/16/64", nil, "msgs_per_s")
      return rate and math.floor(rate / (10 * 16 * 60) * 100 + 0.5)
    end },
  { text = "the same: p50, ms", least = 17, aim = 17, sign = 1, measure = function(value)
    local p50 = value("60 Hz 10/16/64", nil, "p50_us")
    return p50 and p50 / 1000
  end },
  { text = "client, 50 connections, window 16, 64 B, to an ordinary libwebsockets client", least = 0.25, aim = 0.15,
    sign = 1, measure = cpu("client 50/16/64", "lws") },
  { text = "resident memory per idle connection at 10,000, KB", least = 5, aim = 3, sign = 1, measure = function(value)
    local bytes = value("idle 10000", nil, "rss_per_conn_b")
    return bytes and bytes / 1024
  end },
  { text = "CPU per accepted connection at 1,000, us", least = 80, aim = 55, sign = 1,
    measure = own("idle 1000", "cpu_us_per_accept") },
  { text = "the same: growth to 10,000", least = 1.5, aim = 1.1, sign = 1, measure = function(value)
    local few, many = value("idle 1000", nil, "cpu_us_per_accept"), value("idle 10000", nil, "cpu_us_per_accept")
    return few and many and many / few
  end },
  { text = "get_var of a nested table to lua-cjson's decode", least = 1.0, aim = 0.5, sign = 1,
    measure = own("get_var to cjson.decode", "ratio") },
  { text = "put_var of a nested table to lua-cjson's encode", least = 1.0, aim = 0.5, sign = 1,
    measure = own("put_var to cjson.encode", "ratio") },
}

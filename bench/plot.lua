-- Draws results.csv as docs/performance.svg:  lua bench/plot.lua build/bench/results.csv docs/performance.svg
-- One row of bars for each case: server CPU per message as a multiple of plain TCP's, on a logarithmic scale.

local CASES = {
  { "echo 50/16/64", "Echo, 64 B, 50 connections, 16 in flight each" },
  { "echo 50/1/64", "Echo, 64 B, 50 connections, 1 in flight each" },
  { "echo 4/4/65536", "Echo, 64 KiB, 4 connections, 4 in flight each" },
  { "broadcast 100/16/64", "Broadcast, 64 B, to 100, 16 in flight: per delivery" },
  { "broadcast 1000/1/64", "Broadcast, 64 B, to 1,000, 1 in flight: per delivery" },
  { "paced 1000/16/64", "4,000 messages a second on 1,000 connections" },
}
local SERVERS = {
  { "lua5.4", "wsmultiplayer, Lua 5.4", "#1f6feb" },
  { "luajit", "wsmultiplayer, LuaJIT", "#79b8ff" },
  { "lws", "libwebsockets (C), ordinary", "#8b949e" },
  { "godot", "Godot's own peer", "#2da44e" },
  { "node ws", "Node ws", "#bf8700" },
  { "lua-http", "lua-http (LuaJIT)", "#a475f9" },
  { "python", "Python websockets", "#cf222e" },
}
local WIDTH, LEFT, RIGHT, TOP = 860, 190, 60, 70
local BAR, GAP, CASE_GAP = 13, 2, 34
local DECADES = 3 -- 1 to 1000 times plain TCP

local function read(path)
  local results, columns = {}, nil
  for line in io.lines(path) do
    local cells = {}
    for cell in (line .. ","):gmatch "([^,]*)," do cells[#cells + 1] = cell end
    if not columns then
      columns = cells
    else
      local row = {}
      for i, name in ipairs(columns) do row[name] = tonumber(cells[i]) or cells[i] end
      results[row.case] = results[row.case] or {}
      results[row.case][row.server] = row
    end
  end
  return results
end

local results = read(arg[1])
local out, y = {}, TOP

local function add(...) out[#out + 1] = string.format(...) end

local function x_of(ratio)
  local share = math.log(math.max(ratio, 1)) / math.log(10) / DECADES
  return LEFT + (WIDTH - LEFT - RIGHT) * math.min(share, 1)
end

local function text(x, at, anchor, size, content, extra)
  add('<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d" %s>%s</text>', x, at, anchor, size, extra or "", content)
end

local function bars(case)
  local rows = results[case[1]]
  if not (rows and rows.raw) then return end
  text(12, y + 4, "start", 13, case[2], 'font-weight="bold"')
  y = y + 14
  for _, server in ipairs(SERVERS) do
    local row = rows[server[1]]
    local ratio = row and tonumber(row.cpu_us) and row.cpu_us / rows.raw.cpu_us
    if ratio then
      text(LEFT - 8, y + BAR - 3, "end", 11, server[2])
      add('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>', LEFT, y, math.max(x_of(ratio) - LEFT, 1), BAR,
        server[3])
      text(x_of(ratio) + 5, y + BAR - 3, "start", 11, (ratio < 10 and "%.2f" or "%.0f"):format(ratio))
      y = y + BAR + GAP
    end
  end
  y = y + CASE_GAP
end

for _, case in ipairs(CASES) do bars(case) end

local height = y
local head = {
  ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif">')
    :format(WIDTH, height, WIDTH, height),
  ('<rect width="%d" height="%d" fill="white"/>'):format(WIDTH, height),
  '<text x="12" y="24" font-size="16" font-weight="bold">Server CPU per message, as a multiple of plain TCP</text>',
  '<text x="12" y="42" font-size="11">An epoll echo in C without WebSocket is 1. Shorter is better; the scale is ' ..
    'logarithmic. Made by bench/plot.lua from the figures of make bench.</text>',
}
for decade = 0, DECADES do
  for step = 1, decade < DECADES and 9 or 1 do
    local x = x_of(10 ^ decade * step)
    head[#head + 1] = ('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s"/>'):format(x, TOP - 8, x, height - 20,
      step == 1 and "#bbb" or "#eee")
    if step == 1 then
      head[#head + 1] = ('<text x="%.1f" y="%d" font-size="10" text-anchor="middle">%d</text>'):format(x, height - 6,
        10 ^ decade)
    end
  end
end
table.insert(out, 1, table.concat(head, "\n"))
add "</svg>"
local file = assert(io.open(arg[2], "w"))
file:write(table.concat(out, "\n"), "\n")
file:close()

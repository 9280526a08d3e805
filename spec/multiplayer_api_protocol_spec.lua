-- The packets of MultiplayerAPI byte by byte, as they were captured from a real Godot.
local ws = require "wsmultiplayer"
local core = require "wsmultiplayer.core"
local variants = require "support.variants"
local protocol = require "wsmultiplayer.multiplayer_api.protocol"
local rpc_config = require "wsmultiplayer.multiplayer_api.rpc_config"

local from_hex, to_hex = variants.from_hex, variants.to_hex

-- Hex digits with spaces and "text" between them.
local function bytes(text)
  local parts = {}
  for quoted, plain in (text:gsub("^([^\"]*)$", '""%1'):gsub('^([^"]+)"', '""%1"')):gmatch '"([^"]*)"([^"]*)' do
    parts[#parts + 1] = quoted .. from_hex((plain:gsub("%s", "")))
  end
  return table.concat(parts)
end

describe("bytes()", function()
  it("reads what the specs write", function()
    assert.equals("\1\255Main\0x", bytes '01 ff "Main" 00 "x"')
    assert.equals("Main", bytes '"Main"')
    assert.equals("\16", bytes "10")
  end)
end)

local CHECKSUM = "f25f989f27f928f9884b21dd0ba4b9da"

describe("MD5", function()
  local md5 = core.md5

  it("gives the digests of RFC 1321", function()
    assert.equals("d41d8cd98f00b204e9800998ecf8427e", md5 "")
    assert.equals("0cc175b9c0f1b6a831c399e269772661", md5 "a")
    assert.equals("900150983cd24fb0d6963f7d28e17f72", md5 "abc")
    assert.equals("f96b697d7cb7938d525a2f31aaf161d0", md5 "message digest")
    assert.equals("c3fcd3d76192e4007dfb496cca67e13b", md5 "abcdefghijklmnopqrstuvwxyz")
    assert.equals("d174ab98d277d9f5a5611c2c9f419d9f",
      md5 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    assert.equals("57edf4a22be3c955ac49da2e2107b67a", md5(("1234567890"):rep(8)))
  end)

  it("is right around the borders of blocks", function()
    local digests = {
      [55] = "ef1772b6dff9a122358552954ad0df65", [56] = "3b0c8ac703f828b04c6c197006d17218",
      [63] = "b06521f39153d618550606be297466d5", [64] = "014842d480b571495a4a0363793f7367",
      [65] = "c743a45e0d2e6a95cb859adae0248435", [119] = "8a7bd0732ed6a28ce75f6dabc90e1613",
      [120] = "5f61c0ccad4cac44c75ff505e1f1e537", [128] = "e510683b3f5ffe4093d021808bc6ff70",
    }
    for size, digest in pairs(digests) do assert.equals(digest, md5(("a"):rep(size)), size) end
  end)

  it("takes any bytes", function()
    local all = {}
    for i = 0, 255 do all[i + 1] = string.char(i) end
    assert.equals("e2c865db4162bed963bfaa9ef6ac18f0", md5(table.concat(all)))
  end)
end)

describe("the checksum of remote methods", function()
  local function config(...)
    local configs = {}
    for _, name in ipairs { ... } do configs[name] = rpc_config.parse {} end
    return configs
  end

  it("is Godot's", function()
    local script = config("zeta", "alpha", "Beta", "auth_only")
    local by_number, by_name, checksum = rpc_config.index(config("native_z", "native_a"), script)
    assert.equals(CHECKSUM, checksum)
    local numbers = {}
    for name, method in pairs(by_name) do
      numbers[name] = method.number
      assert.equals(method, by_number[method.number])
    end
    assert.same({ Beta = 0, alpha = 1, auth_only = 2, zeta = 3, native_a = 0x8000, native_z = 0x8001 }, numbers)
    assert.equals("ba3b1f3a2aa802a598b041ddbd2c0e29", (select(3, rpc_config.index({}, script))))
    assert.equals("d41d8cd98f00b204e9800998ecf8427e", (select(3, rpc_config.index({}, {}))))
  end)

  it("sorts by code points, whatever the locale", function()
    local names = { "a", "_a", "B", "Z", "aa", "a_", "aB", "\195\164", "\230\150\135", "z", "\240\159\152\128" }
    local old = os.setlocale()
    for _, locale in ipairs { "C", "en_US.UTF-8", "de_DE.UTF-8", "C.UTF-8" } do
      if os.setlocale(locale) then
        local by_number = rpc_config.index({}, config((table.unpack or unpack)(names)))
        local sorted = {}
        for i = 1, #names do sorted[i] = by_number[i - 1].name end
        assert.equals("B Z _a a aB a_ aa z \195\164 \230\150\135 \240\159\152\128", table.concat(sorted, " "))
      end
    end
    os.setlocale(old)
  end)

  it("prefers the script's method where both tables have a name, and keeps both numbers", function()
    local by_number, by_name = rpc_config.index(config("both", "own"), config("both"))
    assert.equals(0, by_name.both.number)
    assert.equals("both", by_number[0x8000].name)
    assert.equals("own", by_number[0x8001].name)
  end)
end)

describe("the configuration of a remote method", function()
  local parse = rpc_config.parse

  it("is what @rpc says, in any order", function()
    local default = { rpc_mode = 2, call_local = false, transfer_mode = 2, channel = 0 }
    assert.same(default, (parse {}))
    assert.same(default, (parse { "authority", "call_remote", "reliable", 0 }))
    assert.same({ rpc_mode = 1, call_local = true, transfer_mode = 0, channel = 2 },
      (parse { "any_peer", "call_local", "unreliable", 2 }))
    assert.same({ rpc_mode = 1, call_local = true, transfer_mode = 1, channel = 7 },
      (parse { 7, "unreliable_ordered", "call_local", "any_peer" }))
  end)

  it("is a table with Godot's keys", function()
    assert.same({ rpc_mode = 1, call_local = true, transfer_mode = 1, channel = 3 },
      (parse { rpc_mode = ws.MultiplayerAPI.RPC_MODE_ANY_PEER, call_local = true, transfer_mode = 1, channel = 3 }))
    assert.equals(0, parse({ rpc_mode = 0 }).rpc_mode)
  end)

  it("names what is wrong with it", function()
    for text, given in pairs {
      ["'anypeer'"] = { "anypeer" }, ["a table expected"] = "any_peer", ["rpc_mode can't be 3"] = { rpc_mode = 3 },
      ["there is no 'mode'"] = { mode = 1 }, ["call_local can't be 1"] = { call_local = 1 },
      ["channel can't be -1"] = { -1 }, ["channel can't be 0.5"] = { channel = 0.5 }, ["'true'"] = { true },
    } do
      local config, why = parse(given)
      assert.is_nil(config)
      assert.matches(text, why, 1, true)
    end
  end)
end)

-- Each with its fields, and what makes it.
local PACKETS = {
  { '07 00 01 02', { kind = "auth", data = "\1\2" }, function() return protocol.auth "\1\2" end },
  { '07 00 "server-data"', { kind = "auth", data = "server-data" }, function() return protocol.auth "server-data" end },
  { '07 00', { kind = "auth", data = "" }, function() return protocol.auth() end },
  { '07 01 4d000000', { kind = "add_peer", peer = 77 }, function() return protocol.add_peer(77) end },
  { '07 01 9e985b02', { kind = "add_peer", peer = 39557278 }, function() return protocol.add_peer(39557278) end },
  { '07 01 fccdad15', { kind = "add_peer", peer = 0x15adcdfc }, function() return protocol.add_peer(0x15adcdfc) end },
  { '07 02 4d000000', { kind = "del_peer", peer = 77 }, function() return protocol.del_peer(77) end },
  { '03 0908', { kind = "raw", bytes = "\9\8" }, function() return protocol.raw "\9\8" end },
  { '07 03 00000000 03 0908', { kind = "relay", peer = 0, packet = "\3\9\8" },
    function() return protocol.relay(0, "\3\9\8") end },
  { '07 03 ffffffff 03 0908', { kind = "relay", peer = -1, packet = "\3\9\8" },
    function() return protocol.relay(-1, "\3\9\8") end },
  { '07 03 4d000000 03 "relayed"', { kind = "relay", peer = 77, packet = "\3relayed" },
    function() return protocol.relay(77, "\3relayed") end },
  { '07 03 043252ea 03 08', { kind = "relay", peer = -0x15adcdfc, packet = "\3\8" },
    function() return protocol.relay(-0x15adcdfc, "\3\8") end },
  { '07 03 00000080 03 08', { kind = "relay", peer = -2147483648, packet = "\3\8" },
    function() return protocol.relay(-2147483648, "\3\8") end },
  { '01 "' .. CHECKSUM .. '" 00 01000000 "Main" 00',
    { kind = "simplify_path", checksum = CHECKSUM, id = 1, path = "Main" },
    function() return protocol.simplify_path(CHECKSUM, 1, "Main") end },
  { '02 01 01000000', { kind = "confirm_path", same_methods = true, id = 1 },
    function() return protocol.confirm_path(1, true) end },
  { '02 00 ffffff7f', { kind = "confirm_path", same_methods = false, id = 0x7fffffff },
    function() return protocol.confirm_path(0x7fffffff, false) end },
}

describe("a packet", function()
  for _, packet in ipairs(PACKETS) do
    it(("%s is read and written"):format(packet[1]), function()
      local wire = bytes(packet[1])
      assert.same(packet[2], (protocol.read(wire)))
      assert.equals(packet[1]:gsub('".-"', function(text) return to_hex(text:sub(2, -2)) end):gsub("%s", ""),
        to_hex(packet[3]()))
    end)
  end

  it("of a spawner or a synchronizer is recognised, and left as it is", function()
    for what, wire in pairs {
      spawn = "\4\255" .. ("\0"):rep(16), despawn = "\5\1\0\0\0", sync = "\6" .. ("\0"):rep(10),
      delta = "\22" .. ("\0"):rep(10),
    } do
      assert.same({ kind = "replication", what = what, bytes = wire }, (protocol.read(wire)))
      assert.is_nil((protocol.read(wire:sub(1, -2))))
    end
  end)

  it("is read by its lowest three bits", function()
    assert.same({ kind = "raw", bytes = "x" }, (protocol.read "\251x"))
    assert.same({ kind = "auth", data = "x" }, (protocol.read "\15\0x"))
  end)
end)

-- ---- remote calls

-- The captured calls on the node "Main", whose number is 1.
local BY_PATH, BY_NUMBER, RELAYED = "by path", "by number", "relayed"
local packed = ws.PackedByteArray "\1\2\3"
local CALLS = {
  { BY_PATH, "zeta()", 'a0 06000080 03 "Main" 00', 3, {} },
  { BY_PATH, "alpha(PackedByteArray[1,2,3])", 'a0 09000080 01 010203 "Main" 00', 1, { packed } },
  { BY_PATH, 'Beta(5, "str", true)', '20 16000080 00 03 0205 040000000300000073747200 81 "Main" 00', 0,
    { 5, "str", true } },
  { BY_PATH, "alpha(-129)", '20 0a000080 01 01 427fff "Main" 00', 1, { -129 } },
  { BY_PATH, "alpha(null)", '20 0b000080 01 01 00000000 "Main" 00', 1, { n = 1 } },
  { BY_PATH, "alpha(1.5)", '20 0f000080 01 01 030000000000c03f "Main" 00', 1, { 1.5 } },
  { BY_NUMBER, "zeta()", "80 01 03", 3, {} },
  { BY_NUMBER, "alpha(300)", "00 01 01 01 422c01", 1, { 300 } },
  { BY_NUMBER, "native_a()", "c0 01 0080", 0x8000, {} },
  { RELAYED, "zeta() to client 77", '07 03 4d000000 a0 06000080 03 "Main" 00', 3, {} },
}

describe("a remote call", function()
  -- As rpc.lua puts it together.
  local function write(how, method, args)
    local count = args.n or #args
    local arguments, raw
    if count == 0 then
      arguments, raw = "", true
    elseif args[1] == packed then
      arguments, raw = packed.bytes, true
    else
      arguments, raw = string.char(count) .. assert(core.variant.encode_arguments(args, count)), false
    end
    local call = protocol.remote_call(method, arguments, raw)
    if how == BY_NUMBER then return call.by_id(1) end
    local by_path = call.by_path "Main"
    return how == RELAYED and protocol.relay(77, by_path) or by_path
  end

  for _, case in ipairs(CALLS) do
    local how, text, hex, method, args = (table.unpack or unpack)(case)
    it(("%s %s: %s"):format(text, how, hex), function()
      local wire = bytes(hex)
      assert.equals(to_hex(wire), to_hex(write(how, method, args)))
      local fields = assert(protocol.read(wire))
      if how == RELAYED then
        assert.equals(77, fields.peer)
        wire = fields.packet
        fields = assert(protocol.read(wire))
      end
      local count = args.n or #args
      assert.same({ "remote_call", method, count }, { fields.kind, fields.method, fields.count })
      assert.same(how == BY_NUMBER and { 1 } or { path = "Main" }, { fields.node, path = fields.path })
      if fields.raw then
        assert.equals(args[1] and args[1].bytes or "", wire:sub(fields.first, fields.last))
      else
        local decoded = assert(core.variant.decode_arguments(wire, fields.first, fields.last, count))
        for i = 1, count do assert.equals(args[i], decoded[i]) end
      end
    end)
  end

  it("takes what was sent to a real Godot by hand", function()
    assert.equals("\5\6", (function()
      local wire = bytes "80 01 01 05 06"
      local fields = protocol.read(wire)
      return wire:sub(fields.first, fields.last)
    end)())
    local fields = assert(protocol.read(bytes "00 01 02 00"))
    assert.same({ 1, 2, 0, false }, { fields.node, fields.method, fields.count, fields.raw })
    fields = assert(protocol.read(bytes 'a0 06000080 03 "Main/Child" 00'))
    assert.equals("Main/Child", fields.path)
    assert.equals("Main", protocol.read(bytes 'a0 06000080 03 "Main"').path) -- without its NUL
    assert.equals("Main", protocol.read(bytes 'a0 06000080 03 "Main" 00 "rest"').path)
  end)

  it("names the node in as few bytes as its number needs", function()
    local call = protocol.remote_call(3, "", true)
    for number, hex in pairs {
      [1] = "800103", [255] = "80ff03", [256] = "90000103", [65535] = "90ffff03", [65536] = "a00000010003",
      [0x7fffffff] = "a0ffffff7f03",
    } do
      assert.equals(hex, to_hex(call.by_id(number)))
      assert.equals(number, protocol.read(call.by_id(number)).node)
      assert.equals(number, protocol.read(call.by_wide_id(number)).node)
      assert.equals(6, #call.by_wide_id(number))
    end
  end)

  it("names the method in as few bytes as its number needs", function()
    for number, hex in pairs { [0] = "800100", [255] = "8001ff", [256] = "c0010001", [0x8001] = "c0010180" } do
      local wire = protocol.remote_call(number, "", true).by_id(1)
      assert.equals(hex, to_hex(wire))
      assert.equals(number, protocol.read(wire).method)
    end
  end)
end)

describe("the short form of arguments", function()
  local encode, decode = core.variant.encode_arguments, core.variant.decode_arguments

  local FORMS = {
    { -1, "02ff" }, { 0, "0200" }, { 127, "027f" }, { -128, "0280" }, { 128, "428000" }, { 255, "42ff00" },
    { 300, "422c01" }, { -129, "427fff" }, { 32767, "42ff7f" }, { -32768, "420080" }, { 32768, "8200800000" },
    { -32769, "82ff7fffff" }, { 70000, "8270110100" }, { 2147483647, "82ffffff7f" }, { -2147483648, "8200000080" },
    { 2147483648, "c20000008000000000" }, { -2147483649, "c2ffffff7fffffffff" },
    { ws.int "9223372036854775807", "c2ffffffffffffff7f" }, { ws.int "-9223372036854775808", "c20000000000000080" },
    { true, "81" }, { false, "01" }, { "str", "040000000300000073747200" }, { 1.5, "030000000000c03f" },
    { ws.float(2), "0300000000000040" }, { ws.null, "00000000" }, { ws.Vector2i(1, -1), "0600000001000000ffffffff" },
  }

  for _, form in ipairs(FORMS) do
    it("of " .. tostring(form[1]), function()
      assert.equals(form[2], to_hex(encode({ form[1] }, 1)))
      local wire = "behind" .. from_hex(form[2]) .. "rest"
      local list = assert(decode(wire, 7, 6 + #form[2] / 2, 1))
      assert.equals(variants.describe(form[1]), variants.describe(list[1]))
    end)
  end

  it("takes any width for an integer", function()
    for _, hex in ipairs { "0205", "420500", "8205000000", "c20500000000000000" } do
      assert.equals(5, decode(from_hex(hex), 1, #hex / 2, 1)[1])
    end
    for _, hex in ipairs { "02fb", "42fbff", "82fbffffff", "c2fbffffffffffffff" } do
      assert.equals(-5, decode(from_hex(hex), 1, #hex / 2, 1)[1])
    end
  end)

  it("is for the outermost values only, without padding between them", function()
    assert.equals("81" .. "0201" .. "1c000000" .. "02000000" .. "0100000001000000" .. "0200000001000000" .. "01",
      to_hex(encode({ true, 1, { true, 1 }, false }, 4)))
  end)

  it("of each golden value is decoded to the same", function()
    local count = 0
    for _, vector in ipairs(variants.load "vectors") do
      local value = ws.bytes_to_var(from_hex(vector.hex))
      if value ~= nil then
        count = count + 1
        local wire = assert(encode({ value }, 1))
        assert.equals(variants.describe(value), variants.describe(decode(wire, 1, #wire, 1)[1]))
      end
    end
    assert.is_true(count > 100, count)
  end)

  it("keeps null in its place", function()
    local wire = encode({ nil, 1, nil }, 3)
    local list = decode(wire, 1, #wire, 3)
    assert.same({ nil, 1, nil }, { list[1], list[2], list[3] })
  end)

  it("ignores surplus bytes, and refuses what is cut short or is no Variant", function()
    assert.equals(1, decode("\2\1rest", 1, 6, 1)[1])
    local whole = encode({ true, 300, "text", 1.5, { 1, 2 }, ws.Vector3(1, 2, 3) }, 6)
    for size = 0, #whole - 1 do
      local list, err, why = decode(whole, 1, size, 6)
      assert.is_nil(list)
      assert.is_number(err)
      assert.is_string(why)
    end
    for _, hex in ipairs { "c3000000", "43000000", "44000000", "27000000", "ff", "180000000000", "1c000100" } do
      assert.is_nil((decode(from_hex(hex), 1, #hex / 2, 1)), hex)
    end
    assert.equals(ws.ERR_UNAUTHORIZED, (select(2, decode(from_hex "180000000100000041000000", 1, 12, 1))))
  end)

  it("names the argument that can't be sent", function()
    local bytes_or_nil, err, why = encode({ 1, { x = { print } } }, 2)
    assert.same({ nil, ws.ERR_INVALID_DATA, "at [2].x[1]: a function" }, { bytes_or_nil, err, why })
    assert.equals("0201", to_hex(encode({ 1 }, 1))) -- the buffer is free again
  end)
end)

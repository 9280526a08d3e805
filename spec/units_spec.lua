-- The core's units without sockets: what they make of bytes, in every way of cutting them up.
local units = require "wsmultiplayer_units"
local frames = require "support.frames"

local function every_cut(text, check)
  for at = 0, #text do check(text:sub(1, at), text:sub(at + 1)) end
end

local function bytes_of(text)
  local list = {}
  for i = 1, #text do list[i] = text:sub(i, i) end
  return list
end

local unpack = table.unpack or unpack -- luacheck: ignore 143

describe("a frame's head", function()
  local lengths = { 0, 1, 125, 126, 127, 255, 256, 65535, 65536, 2 ^ 31, 2 ^ 40 }

  it("has the shortest length form", function()
    for _, length in ipairs(lengths) do
      local size = length <= 125 and 2 or length <= 65535 and 4 or 10
      assert.equals(size, #units.frame_head(2, length))
      assert.equals(size + 4, #units.frame_head(2, length, "abcd"))
    end
    assert.equals("\130\126\0\126", units.frame_head(2, 126))
    assert.equals("\138\130wxyz", units.frame_head(10, 2, "wxyz"))
  end)

  it("is read back from one piece, from any two pieces, and byte by byte", function()
    for _, length in ipairs(lengths) do
      for _, mask in ipairs { "", "abcd" } do
        local head = units.frame_head(1, length, mask ~= "" and mask or nil)
        local function check(...)
          local status, _, fin, opcode, got, got_mask = units.read_head(mask ~= "", ...)
          assert.same({ "ready", true, 1, length, mask }, { status, fin, opcode, got, got_mask })
        end
        check(head)
        check(head .. ("payload"):rep(10))
        every_cut(head, check)
        check(unpack(bytes_of(head)))
        for size = 0, #head - 1 do assert.equals("more", (units.read_head(mask ~= "", head:sub(1, size)))) end
      end
    end
  end)

  it("leaves what is behind it", function()
    local head = units.frame_head(2, 300, "abcd")
    local _, used = units.read_head(true, head .. ("x"):rep(40))
    assert.equals(#head, used)
    _, used = units.read_head(true, head:sub(1, 3), head:sub(4) .. "rest")
    assert.equals(#head - 3, used)
  end)

  it("is invalid where RFC 6455 says so, also in a long buffer and byte by byte", function()
    local bad = {
      rsv1 = frames.build { rsv = 4, mask = frames.MASK },
      rsv2 = frames.build { rsv = 2, mask = frames.MASK },
      rsv3 = frames.build { rsv = 1, mask = frames.MASK },
      ["opcode 3"] = frames.build { opcode = 3, mask = frames.MASK },
      ["opcode 7"] = frames.build { opcode = 7, mask = frames.MASK },
      ["opcode 11"] = frames.build { opcode = 11, mask = frames.MASK },
      ["opcode 15"] = frames.build { opcode = 15, mask = frames.MASK },
      unmasked = frames.build { payload = "x" },
      ["fragmented ping"] = frames.build { opcode = 9, fin = false, mask = frames.MASK },
      ["long ping"] = frames.build { opcode = 9, payload = ("x"):rep(126), mask = frames.MASK },
      ["16 bits for 5"] = frames.build { payload = "12345", form = 16, mask = frames.MASK },
      ["64 bits for 5"] = frames.build { payload = "12345", form = 64, mask = frames.MASK },
      ["64 bits for 65535"] = "\130\255\0\0\0\0\0\0\255\255abcd",
      ["top bit"] = "\130\255\128\0\0\0\0\0\0\0abcd",
    }
    for name, bytes in pairs(bad) do
      assert.equals("invalid", (units.read_head(true, bytes .. ("x"):rep(20))), name)
      assert.equals("invalid", (units.read_head(true, unpack(bytes_of(bytes:sub(1, 16))))), name)
    end
    assert.equals("invalid", (units.read_head(false, frames.build { mask = frames.MASK })))
  end)

  it("fails on its first two bytes where they are enough", function()
    assert.equals("invalid", (units.read_head(true, "\194\128")))
    assert.equals("invalid", (units.read_head(true, "\130\1")))
  end)
end)

describe("masking", function()
  it("is undone by masking again, for all sizes and offsets", function()
    local text = ("0123456789abcdefghijklmnopqrstuvwxyz"):rep(2)
    for size = 0, 40 do
      for offset = 0, 9 do
        local part = text:sub(1, size)
        local masked = units.mask(part, "\1\2\4\8", offset)
        local expected = {}
        for i = 1, size do
          local key = ({ 1, 2, 4, 8 })[(offset + i - 1) % 4 + 1]
          local byte = part:byte(i)
          expected[i] = string.char(math.floor(byte / key) % 2 == 1 and byte - key or byte + key)
        end
        assert.equals(table.concat(expected), masked)
        assert.equals(part, units.mask(masked, "\1\2\4\8", offset))
      end
    end
  end)
end)

describe("UTF-8", function()
  local good = { "", "plain ascii, long enough for a stride", "\194\128", "\223\191", "\224\160\128",
    "\237\159\191", "\238\128\128",
    "\239\191\191", "\240\144\128\128", "\244\143\191\191",
      "h\195\169llo \226\130\172 \240\159\152\128 and some more" }
  local bad = { "\128", "\191", "\192\128", "\193\191", "\224\159\191", "\237\160\128", "\237\191\191",
    "\240\143\191\191",
    "\244\144\128\128", "\245\128\128\128", "\255", "\254", "abcdefgh\195(", "\226\130(", "\240\159\152a" }

  it("is taken in any pieces", function()
    for _, text in ipairs(good) do
      every_cut(text, function(a, b)
        local valid, complete = units.utf8(a, b)
        assert.is_true(valid and complete)
      end)
      assert.is_true((units.utf8(unpack(bytes_of(text)))))
    end
  end)

  it("is refused in any pieces where it is wrong", function()
    for _, text in ipairs(bad) do
      every_cut(text, function(a, b) assert.is_false((units.utf8(a, b))) end)
      assert.is_false((units.utf8(("x"):rep(8) .. text .. ("x"):rep(8))))
    end
  end)

  it("is incomplete inside a character", function()
    for _, text in ipairs { "\195", "\226\130", "\240\159\152", "ascii \240" } do
      local valid, complete = units.utf8(text)
      assert.is_true(valid)
      assert.is_false(complete)
    end
  end)
end)

describe("the queue of packets", function()
  it("keeps order, content and notes through all sizes", function() units.queue() end)
end)

describe("the map of peers", function()
  it("finds all that were filed and none that was removed", function() assert.equals(0, units.peer_map()) end)
end)

describe("counting the connections of addresses", function()
  local count = units.address_count

  it("keeps IPv4 addresses apart", function()
    assert.equals(2, count({ "10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.1.1" }, "10.0.0.1"))
    assert.equals(0, count({ "10.0.0.1" }, "10.0.0.3"))
    assert.equals(0, count({}, "10.0.0.1"))
  end)

  it("takes the first 64 bits of an IPv6 address for one customer", function()
    assert.equals(2, count({ "2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1" }, "2001:db8::3"))
    assert.equals(1, count({ "::1", "10.0.0.1", "0.0.0.1" }, "::1"))
  end)

  it("keeps the members of one network apart", function()
    assert.equals(1, count({ "fe80::1", "fe80::2" }, "fe80::1"))
    assert.equals(1, count({ "fd00::1", "fd00::2" }, "fd00::1"))
    assert.equals(1, count({ "febf::1", "febf::2" }, "febf::2"))
    assert.equals(2, count({ "fec0::1", "fec0::2" }, "fec0::2"))
  end)

  it("forgets what is removed, of thousands", function()
    local addresses = {}
    for i = 1, 3000 do
      addresses[i] = ("%d.%d.%d.1"):format(i % 7 + 1, i * 7 % 256, math.floor(i / 256))
    end
    assert.equals(1, count(addresses, addresses[1]))
    for i = 1, 3000 do addresses[i] = ("2001:db8:%x:%x::1"):format(i % 900, i * 31 % 65536) end
    assert.equals(1, count(addresses, addresses[77]))
  end)
end)

describe("a URL", function()
  local function parts(text) return { units.url(text) } end

  it("is taken apart", function()
    assert.same({ false, "h", 80, "/", false }, parts "ws://h")
    assert.same({ true, "h", 443, "/", false }, parts "wss://h")
    assert.same({ false, "example.org", 9080, "/a/b?c=d", false }, parts "WS://Example.ORG:9080/a/b?c=d")
    assert.same({ false, "h", 81, "/", false }, parts "h:81")
    assert.same({ false, "::1", 82, "/x", true }, parts "ws://[::1]:82/x")
    assert.same({ false, "fe80::1%Eth0", 80, "/", true }, parts "ws://[FE80::1%25Eth0]")
    assert.same({ false, "fe80::1%2", 80, "/", true }, parts "ws://[fe80::1%2]/")
    assert.same({ false, "fe80::1%25", 80, "/", true }, parts "ws://[fe80::1%25]/")
    assert.same({ false, "h", 83, "/", false }, parts "ws://user:p@ss@h:83/#frag")
    assert.same({ false, "h", 84, "/a%20b", false }, parts "ws://h:84/a b")
    assert.same({ false, "h", 85, "/?u=ws://x", false }, parts "h:85/?u=ws://x")
    assert.same({ false, "h", 86, "//x", false }, parts "ws://h:86//x")
  end)

  it("is refused with 31 and a text", function()
    for _, text in ipairs { "", "ws://", "http://h", "ws://h:0", "ws://h:65536", "ws://h:", "ws://h:x",
      "ws://h:1:2", "ws://h?x=1", "ws://[::1",
      "ws://[::1]x", "ws://[]", "ws://[zz]", "ws://:80", "ws://h /", "ws://h\r\nX: y/", "ws://h/\r\nX: y",
        "ws://h/\127", "://h", "ws:///x" } do
      local tls, code, why = units.url(text)
      assert.is_nil(tls, text)
      assert.equals(31, code, text)
      assert.truthy(#why > 5, text)
    end
  end)
end)

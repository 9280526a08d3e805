---@meta _

-- Godot's Variant types that Lua does not have; docs/variants.md. What is left out has Godot's default. Values compare
-- with `==` by their fields.

---@class wsmultiplayer
---@field null table Stands for null where tables can't hold `nil`: as an element, a key or a value.
local ws = {}

--- A number that is sent as an int, whatever its form.
---@param value number|string A whole number, or its decimal digits if it is beyond 2^53. Others raise.
---@return integer int
function ws.int(value) end

--- A number that is sent as a float, whatever its value.
---@param value number
---@return number float
function ws.float(value) end

---@class ws.Vector2
---@field x number
---@field y number

---@param x? number
---@param y? number
---@return ws.Vector2 value
function ws.Vector2(x, y) end

---@class ws.Vector2i
---@field x integer
---@field y integer

---@param x? integer
---@param y? integer
---@return ws.Vector2i value
function ws.Vector2i(x, y) end

---@class ws.Vector3
---@field x number
---@field y number
---@field z number

---@param x? number
---@param y? number
---@param z? number
---@return ws.Vector3 value
function ws.Vector3(x, y, z) end

---@class ws.Vector3i
---@field x integer
---@field y integer
---@field z integer

---@param x? integer
---@param y? integer
---@param z? integer
---@return ws.Vector3i value
function ws.Vector3i(x, y, z) end

---@class ws.Vector4
---@field x number
---@field y number
---@field z number
---@field w number

---@param x? number
---@param y? number
---@param z? number
---@param w? number
---@return ws.Vector4 value
function ws.Vector4(x, y, z, w) end

---@class ws.Vector4i
---@field x integer
---@field y integer
---@field z integer
---@field w integer

---@param x? integer
---@param y? integer
---@param z? integer
---@param w? integer
---@return ws.Vector4i value
function ws.Vector4i(x, y, z, w) end

--- `w` is 1 if it is left out.
---@class ws.Quaternion
---@field x number
---@field y number
---@field z number
---@field w number

---@param x? number
---@param y? number
---@param z? number
---@param w? number
---@return ws.Quaternion value
function ws.Quaternion(x, y, z, w) end

--- `a` is 1 if it is left out.
---@class ws.Color
---@field r number
---@field g number
---@field b number
---@field a number

---@param r? number
---@param g? number
---@param b? number
---@param a? number
---@return ws.Color value
function ws.Color(r, g, b, a) end

---@class ws.Rect2
---@field position ws.Vector2
---@field size ws.Vector2

---@param position? ws.Vector2
---@param size? ws.Vector2
---@return ws.Rect2 value
function ws.Rect2(position, size) end

---@class ws.Rect2i
---@field position ws.Vector2i
---@field size ws.Vector2i

---@param position? ws.Vector2i
---@param size? ws.Vector2i
---@return ws.Rect2i value
function ws.Rect2i(position, size) end

---@class ws.AABB
---@field position ws.Vector3
---@field size ws.Vector3

---@param position? ws.Vector3
---@param size? ws.Vector3
---@return ws.AABB value
function ws.AABB(position, size) end

---@class ws.Plane
---@field normal ws.Vector3
---@field d number

---@param normal? ws.Vector3
---@param d? number
---@return ws.Plane value
function ws.Plane(normal, d) end

--- Columns.
---@class ws.Transform2D
---@field x ws.Vector2
---@field y ws.Vector2
---@field origin ws.Vector2

---@param x? ws.Vector2
---@param y? ws.Vector2
---@param origin? ws.Vector2
---@return ws.Transform2D value
function ws.Transform2D(x, y, origin) end

--- Columns.
---@class ws.Basis
---@field x ws.Vector3
---@field y ws.Vector3
---@field z ws.Vector3

---@param x? ws.Vector3
---@param y? ws.Vector3
---@param z? ws.Vector3
---@return ws.Basis value
function ws.Basis(x, y, z) end

---@class ws.Transform3D
---@field basis ws.Basis
---@field origin ws.Vector3

---@param basis? ws.Basis
---@param origin? ws.Vector3
---@return ws.Transform3D value
function ws.Transform3D(basis, origin) end

--- Columns.
---@class ws.Projection
---@field x ws.Vector4
---@field y ws.Vector4
---@field z ws.Vector4
---@field w ws.Vector4

---@param x? ws.Vector4
---@param y? ws.Vector4
---@param z? ws.Vector4
---@param w? ws.Vector4
---@return ws.Projection value
function ws.Projection(x, y, z, w) end

---@class ws.StringName
---@field name string

---@param text? string
---@return ws.StringName value
function ws.StringName(text) end

---@class ws.NodePath
---@field names string[]
---@field subnames string[]
---@field absolute boolean

---@param text? string `"/root/Main:position:x"`
---@return ws.NodePath value
function ws.NodePath(text) end

---@class ws.RID
---@field id integer

---@param id? integer
---@return ws.RID value
function ws.RID(id) end

--- An object of the other side, known by its number only.
---@class ws.EncodedObjectAsID
---@field object_id integer

---@param object_id integer
---@return ws.EncodedObjectAsID value
function ws.EncodedObjectAsID(object_id) end

--- Empty: Godot sends no other.
---@class ws.Callable

---@return ws.Callable value
function ws.Callable() end

--- The Variant type Signal.
---@class ws.VariantSignal
---@field name string
---@field object_id integer

---@param name? string
---@param object_id? integer
---@return ws.VariantSignal value
function ws.Signal(name, object_id) end

---@class ws.PackedByteArray
---@field bytes string

---@param content? string|integer[]
---@return ws.PackedByteArray value
function ws.PackedByteArray(content) end

---@class ws.PackedInt32Array
---@field [integer] integer

---@param list? integer[] The table itself is marked and returned.
---@return ws.PackedInt32Array value
function ws.PackedInt32Array(list) end

---@class ws.PackedInt64Array
---@field [integer] integer

---@param list? integer[] The table itself is marked and returned.
---@return ws.PackedInt64Array value
function ws.PackedInt64Array(list) end

---@class ws.PackedFloat32Array
---@field [integer] number

---@param list? number[] The table itself is marked and returned.
---@return ws.PackedFloat32Array value
function ws.PackedFloat32Array(list) end

---@class ws.PackedFloat64Array
---@field [integer] number

---@param list? number[] The table itself is marked and returned.
---@return ws.PackedFloat64Array value
function ws.PackedFloat64Array(list) end

---@class ws.PackedStringArray
---@field [integer] string

---@param list? string[] The table itself is marked and returned.
---@return ws.PackedStringArray value
function ws.PackedStringArray(list) end

---@class ws.PackedVector2Array
---@field [integer] ws.Vector2

---@param list? ws.Vector2[] The table itself is marked and returned.
---@return ws.PackedVector2Array value
function ws.PackedVector2Array(list) end

---@class ws.PackedVector3Array
---@field [integer] ws.Vector3

---@param list? ws.Vector3[] The table itself is marked and returned.
---@return ws.PackedVector3Array value
function ws.PackedVector3Array(list) end

---@class ws.PackedVector4Array
---@field [integer] ws.Vector4

---@param list? ws.Vector4[] The table itself is marked and returned.
---@return ws.PackedVector4Array value
function ws.PackedVector4Array(list) end

---@class ws.PackedColorArray
---@field [integer] ws.Color

---@param list? ws.Color[] The table itself is marked and returned.
---@return ws.PackedColorArray value
function ws.PackedColorArray(list) end

--- A sequence that is an Array even if it is empty.
---@param list? any[] The table itself is marked and returned.
---@return any[] array
function ws.Array(list) end

--- A table that is a Dictionary whatever its keys, and remembers the order in which keys are added from now on.
---@generic T: table
---@param content? T The table itself is marked and returned.
---@return T dictionary
function ws.Dictionary(content) end

--- The keys of a Dictionary in their order.
---@param dictionary table
---@return any[] keys
function ws.keys(dictionary) end

--- Like `pairs`, in the order of `ws.keys`.
---@param dictionary table
---@return fun(): any, any next
function ws.ordered_pairs(dictionary) end

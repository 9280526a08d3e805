---@meta _

--- Godot's PacketPeer: a parent without constants. Its methods are those of the classes that inherit from it.
---@class ws.PacketPeer
local PacketPeer = {}

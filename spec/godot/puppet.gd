# Tells of every call. The specs' Lua puppets (spec/support/godot_api.lua) have the same remote methods.
extends "res://puppet_base.gd"


@rpc("any_peer")
func any_0() -> void:
	report.call("any_0", [])


@rpc("any_peer")
func any_1(a: Variant) -> void:
	report.call("any_1", [a])


@rpc("any_peer", "call_remote", "unreliable", 3)
func any_3(a: Variant, b: Variant, c: Variant) -> void:
	report.call("any_3", [a, b, c])


@rpc("any_peer")
func optional_1(a: Variant = "default") -> void:
	report.call("optional_1", [a])


@rpc
func authority_1(a: Variant) -> void:
	report.call("authority_1", [a])


@rpc("any_peer", "call_local")
func local_1(a: Variant) -> void:
	report.call("local_1", [a])


@rpc("any_peer")
func Upper_1(a: Variant) -> void:
	report.call("Upper_1", [a])


# Remote only where Node.rpc_config says so.
func native_a(a: Variant) -> void:
	report.call("native_a", [a])


func native_z(a: Variant) -> void:
	report.call("native_z", [a])

# Has other remote methods than the puppet: the checksums differ.
extends Node

var report: Callable


@rpc("any_peer")
func any_0() -> void:
	report.call("any_0", [])


@rpc("any_peer")
func zeta() -> void:
	report.call("zeta", [])

extends Node

var report: Callable


@rpc("any_peer")
func inherited_1(a: Variant) -> void:
	report.call("inherited_1", [a])

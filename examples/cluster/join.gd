# A Godot game in the cluster: asks the lobby for a room, and joins it. For a node of yours.
# The first argument behind -- is the entrance, or 127.0.0.1:8080.
extends Node

var entrance := "127.0.0.1:8080"
var peer := WebSocketMultiplayerPeer.new()


func _ready() -> void:
	if not OS.get_cmdline_user_args().is_empty():
		entrance = OS.get_cmdline_user_args()[0]
	var lobby := HTTPRequest.new()
	add_child(lobby)
	lobby.request_completed.connect(_on_answer)
	lobby.request("http://%s/lobby/find" % entrance)


func _on_answer(_result: int, status: int, _headers: PackedStringArray, body: PackedByteArray) -> void:
	var answer: Variant = JSON.parse_string(body.get_string_from_utf8())
	if status != 200:
		print("no room: ", answer.error if answer is Dictionary else status)
		return
	peer.peer_disconnected.connect(func(_id: int) -> void: print("lost the room"))
	peer.create_client("ws://%s%s" % [entrance, answer.path])


func _process(_delta: float) -> void:
	peer.poll()
	while peer.get_available_packet_count() > 0:
		var message: Variant = peer.get_var()
		print("hears ", message)
		if message is Array and message[0] == "joined":
			peer.put_var(["say", "hello from Godot"])

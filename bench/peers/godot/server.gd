# --script res://server.gd -- echo|bcast PORT: Godot's own WebSocketMultiplayerPeer, in its default headless frame loop.
extends SceneTree

var peer := WebSocketMultiplayerPeer.new()
var bcast := false


func _initialize() -> void:
	var arguments := OS.get_cmdline_user_args()
	bcast = arguments[0] == "bcast"
	Engine.max_fps = 0
	peer.inbound_buffer_size = 4 * 1024 * 1024
	peer.outbound_buffer_size = 4 * 1024 * 1024
	peer.max_queued_packets = 65536
	if peer.create_server(int(arguments[1]), "127.0.0.1") != OK:
		quit(1)
		return
	print("port ", arguments[1])


func _process(_delta: float) -> bool:
	peer.poll()
	while peer.get_available_packet_count() > 0:
		var from := peer.get_packet_peer()
		var data := peer.get_packet()
		peer.set_target_peer(-from if bcast else from)
		peer.put_packet(data)
	return false

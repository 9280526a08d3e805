# Puts Godot's WebSocketMultiplayerPeer at the command of spec/support/godot.lua:
#
#   godot --headless --path spec/godot --script res://main.gd -- PORT SECONDS
#
# Connects to PORT on this machine and says "ready VERSION". A line received is an array
# of commands [NAME, VERB, ARGUMENT...] in Godot's text form; they run in order within one
# frame, and each is answered with "= RESULT" in JSON. NAME is a peer, made by the verb
# "new"; any number of them live side by side and are polled in every frame. TLS is asked
# for by "create_server_tls" and "create_client_tls". What polling brings is told as
#
#   NAME connected ID
#   NAME disconnected ID CLOSE_CODE CLOSE_REASON
#   NAME packet FROM HEX
#   NAME status STATUS
#
# A peer told to "echo" tells of no packets: it takes each as a Variant (get_var) and sends
# that back (put_var).
#
# The verb "new_api" makes a SceneMultiplayer instead of a peer: see api.gd.
#
# Ends when the control connection ends, or after SECONDS, so that no process stays behind.
extends SceneTree

const Api := preload("res://api.gd")

var control := StreamPeerTCP.new()
var ready := false
var deadline := 0
var received := PackedByteArray()
var replies := PackedStringArray()
var peers := {}
var echoing := {}
var apis := {}


func _initialize() -> void:
	var args := OS.get_cmdline_user_args()
	Engine.max_fps = 500
	deadline = Time.get_ticks_msec() + int(args[1]) * 1000
	control.connect_to_host("127.0.0.1", int(args[0]))


# A true result ends the program.
func _process(_delta: float) -> bool:
	control.poll()
	if Time.get_ticks_msec() > deadline or control.get_status() == StreamPeerTCP.STATUS_ERROR:
		return true
	if control.get_status() != StreamPeerTCP.STATUS_CONNECTED:
		return ready
	if not ready:
		ready = true
		control.set_no_delay(true)
		tell("ready " + Engine.get_version_info().string)
	for line in read_lines():
		for command in str_to_var(line):
			tell("= " + JSON.stringify(run(command[0], command[1], command.slice(2))))
	for name in peers:
		poll_peer(name, peers[name])
	if not replies.is_empty():
		control.put_data(("\n".join(replies) + "\n").to_utf8_buffer())
		replies.clear()
	return false


func tell(line: String) -> void:
	replies.append(line)


func read_lines() -> PackedStringArray:
	var lines := PackedStringArray()
	var waiting := control.get_available_bytes()
	if waiting > 0:
		received.append_array(control.get_data(waiting)[1])
		var last := received.rfind(10)
		if last >= 0:
			lines = received.slice(0, last).get_string_from_utf8().split("\n")
			received = received.slice(last + 1)
	return lines


func run(name: String, verb: String, args: Array) -> Variant:
	if name in apis:
		return apis[name].run(verb, args)
	var peer: WebSocketMultiplayerPeer = peers.get(name)
	match verb:
		"new":
			peers[name] = new_peer(name)
		"new_api":
			apis[name] = Api.new(name, self, tell)
		"pause":
			pass
		"bytes": # VALUE
			return var_to_bytes(args[0]).hex_encode()
		"reset": # forgets all peers
			for each in peers.values():
				each.close()
			for each in apis.values():
				each.end()
			apis.clear()
			peers.clear()
			echoing.clear()
		"echo":
			echoing[name] = true
		"die": # as kill -9
			OS.kill(OS.get_process_id())
		"set":
			peer.set(args[0], args[1])
		"get":
			return peer.get(args[0])
		"put": # TARGET HEX
			peer.set_target_peer(args[0])
			return peer.put_packet(args[1].hex_decode())
		"burst": # TARGET FIRST LAST SIZE: numbered packets, as many as are taken
			peer.set_target_peer(args[0])
			for i in range(args[1], args[2] + 1):
				if peer.put_packet(("%d" % i).rpad(args[3], ".").to_utf8_buffer()) != OK:
					return i
			return args[2] + 1
		"create_server_tls": # PORT ADDRESS KEY CERTIFICATE, both in hex of PEM
			return peer.create_server(args[0], args[1], TLSOptions.server(key(args[2]), certificate(args[3])))
		"create_client_tls": # URL AUTHORITIES NAME UNSAFE: authorities in hex of PEM, or "" for none
			var authorities := certificate(args[1]) if args[1] != "" else null
			return peer.create_client(args[0],
				TLSOptions.client_unsafe(authorities) if args[3] else TLSOptions.client(authorities, args[2]))
		"connection": # ID METHOD ARGUMENT...
			return peer.get_peer(args[0]).callv(args[1], args.slice(2))
		"connection_set": # ID PROPERTY VALUE
			peer.get_peer(args[0]).set(args[1], args[2])
		_:
			return peer.callv(verb, args)
	return null


func certificate(hex: String) -> X509Certificate:
	var made := X509Certificate.new()
	made.load_from_string(hex.hex_decode().get_string_from_utf8())
	return made


func key(hex: String) -> CryptoKey:
	var made := CryptoKey.new()
	made.load_from_string(hex.hex_decode().get_string_from_utf8())
	return made


func new_peer(name: String) -> WebSocketMultiplayerPeer:
	var peer := WebSocketMultiplayerPeer.new()
	peer.peer_connected.connect(func(id: int) -> void: tell("%s connected %d" % [name, id]))
	peer.peer_disconnected.connect(func(id: int) -> void:
		var connection: WebSocketPeer = peers[name].get_peer(id)
		tell("%s disconnected %d %d %s" % [name, id, connection.get_close_code(), connection.get_close_reason()]))
	return peer


func poll_peer(name: String, peer: WebSocketMultiplayerPeer) -> void:
	var before := peer.get_connection_status()
	peer.poll()
	if peer.get_connection_status() != before:
		tell("%s status %d" % [name, peer.get_connection_status()])
	while peer.get_available_packet_count() > 0:
		var from := peer.get_packet_peer()
		if name in echoing:
			var value: Variant = peer.get_var()
			peer.set_target_peer(from)
			peer.put_var(value)
		else:
			tell("%s packet %d %s" % [name, from, peer.get_packet().hex_encode()])

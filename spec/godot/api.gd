# A SceneMultiplayer with a peer and a branch of the tree of its own, /root/NAME, at the command of
# spec/support/godot_api.lua. Many live side by side in one Godot. What happens is told as
#
#   NAME EVENT FIELD...
#
# where EVENT is a signal's name, "auth" (the authentication callback) or "call" (a method that was called: path,
# method, sender, arguments), and a field is a number or "x" and bytes in hex.
extends RefCounted

const KINDS := { "puppet": preload("res://puppet.gd"), "stranger": preload("res://stranger.gd") }

var name := ""
var api := SceneMultiplayer.new()
var tree: SceneTree
var root := Node.new()
var tell: Callable


func _init(p_name: String, p_tree: SceneTree, p_tell: Callable) -> void:
	name = p_name
	tree = p_tree
	tell = p_tell
	root.name = name
	tree.root.add_child(root)
	tree.set_multiplayer(api, root.get_path())
	for each in ["connected_to_server", "connection_failed", "server_disconnected"]:
		api.connect(each, func() -> void: event(each))
	for each in ["peer_connected", "peer_disconnected", "peer_authenticating", "peer_authentication_failed"]:
		api.connect(each, func(id: int) -> void: event(each, [id]))
	api.peer_packet.connect(func(id: int, bytes: PackedByteArray) -> void:
		event("peer_packet", [id, bytes, api.get_remote_sender_id()]))


func event(kind: String, fields := []) -> void:
	var words := PackedStringArray([name, kind])
	for field in fields:
		if field is int:
			words.append(str(field))
		else:
			var bytes: PackedByteArray = field if field is PackedByteArray else str(field).to_utf8_buffer()
			words.append("x" + bytes.hex_encode())
	tell.call(" ".join(words))


func end() -> void:
	if api.multiplayer_peer:
		api.multiplayer_peer.close()
	api.multiplayer_peer = null
	var path := root.get_path()
	root.free()
	tree.set_multiplayer(null, path)


func run(verb: String, args: Array) -> Variant:
	match verb:
		"listen": # PORT
			return start("create_server", [args[0], "127.0.0.1"])
		"join": # URL
			return start("create_client", [args[0]])
		"close": # the connection, not the API
			api.multiplayer_peer.close()
		"set":
			api.set(args[0], args[1])
		"get":
			return api.get(args[0])
		"auth": # whether there is an authentication callback
			var callback := func(id: int, data: PackedByteArray) -> void: event("auth", [id, data])
			api.auth_callback = callback if args[0] else Callable()
		"send_bytes": # HEX ID
			return api.send_bytes(args[0].hex_decode(), args[1])
		"send_auth": # ID HEX
			return api.send_auth(args[0], args[1].hex_decode())
		"add_node": # PATH KIND: kind "plain" has no script
			add_node(NodePath(args[0]), args[1])
		"remove_node": # PATH
			root.get_node(args[0]).free()
		"node": # PATH METHOD ARGUMENT...
			return root.get_node(args[0]).callv(args[1], args.slice(2))
		"rpc_id": # PATH ID METHOD ARGUMENTS
			return root.get_node(args[0]).callv("rpc_id", [args[1], args[2]] + args[3])
		"replicate": # a spawner for the children of Mobs, and a node with a synchronizer of this authority
			replicate(args[0])
		"spawn": # NAME
			var mob: Node = load("res://mob.tscn").instantiate()
			mob.name = args[0]
			root.get_node("Mobs").add_child(mob)
		_:
			return api.callv(verb, args)
	return null


func start(method: String, args: Array) -> Error:
	var peer := WebSocketMultiplayerPeer.new()
	var err: Error = peer.callv(method, args)
	if err == OK:
		api.multiplayer_peer = peer
	return err


func add_node(path: NodePath, kind: String) -> void:
	var node := Node.new()
	node.name = path.get_name(path.get_name_count() - 1)
	if kind in KINDS:
		node.set_script(KINDS[kind])
		node.report = func(method: String, args: Array) -> void:
			event("call", [root.get_path_to(node), method, api.get_remote_sender_id(), var_to_bytes(args)])
	var parent := root
	for i in path.get_name_count() - 1:
		parent = parent.get_node(NodePath(path.get_name(i)))
	parent.add_child(node)


func replicate(authority: int) -> void:
	add_node(^"Mobs", "plain")
	var spawner := MultiplayerSpawner.new()
	spawner.name = "Spawner"
	spawner.add_spawnable_scene("res://mob.tscn")
	root.add_child(spawner)
	spawner.spawn_path = ^"../Mobs"
	var fixed: Node = load("res://mob.tscn").instantiate()
	fixed.name = "Fixed"
	fixed.set_multiplayer_authority(authority)
	root.add_child(fixed)

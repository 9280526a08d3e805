# Circles that walk about and chat. User arguments, after "--":
#   --url=ws://127.0.0.1:9080   the server
#   --name=Ada                  what the others see
#   --bot                       walks by itself, greets whoever joins, and leaves when told "Good night, NAME!"
extends Node2D

const SPEED := 240.0
const FIELD := Rect2(18, 18, 924, 504)
const SEND_EVERY := 3 # physics frames: 20 times a second

var options := { "url": "ws://127.0.0.1:9080", "name": "Player %d" % (randi() % 100) }
var players := {} # by peer id
var frames := 0
var sent := Vector2.ZERO
var bot_direction := Vector2.RIGHT


func _ready() -> void:
	for argument in OS.get_cmdline_user_args():
		options[argument.get_slice("=", 0).trim_prefix("--")] = argument.get_slice("=", 1)
	multiplayer.connected_to_server.connect(func() -> void: join.rpc_id(1, options.name))
	multiplayer.connection_failed.connect(func() -> void: quit("There is no server at %s." % options.url))
	multiplayer.server_disconnected.connect(func() -> void: quit("The server is gone."))
	$Input.text_submitted.connect(submit)
	var peer := WebSocketMultiplayerPeer.new()
	if peer.create_client(options.url) == OK:
		multiplayer.multiplayer_peer = peer
	else:
		quit("%s is no address of a server." % options.url)


func _physics_process(delta: float) -> void:
	var me: Node2D = players.get(multiplayer.get_unique_id())
	if me == null:
		return
	me.target = (me.target + direction_of(me) * SPEED * delta).clamp(FIELD.position, FIELD.end)
	frames += 1
	if frames % SEND_EVERY == 0 and me.target != sent:
		sent = me.target
		move.rpc_id(1, sent)


func direction_of(me: Node2D) -> Vector2:
	if "bot" in options:
		if me.target.x in [FIELD.position.x, FIELD.end.x]:
			bot_direction = Vector2.RIGHT if me.target.x == FIELD.position.x else Vector2.LEFT
		return bot_direction
	return Vector2.ZERO if $Input.has_focus() else Input.get_vector("ui_left", "ui_right", "ui_up", "ui_down")


func submit(text: String) -> void:
	$Input.clear()
	$Input.release_focus()
	if text != "":
		say.rpc_id(1, text)


func _unhandled_input(event: InputEvent) -> void:
	if event.is_action_pressed("ui_accept"):
		$Input.grab_focus()


func note(text: String) -> void:
	print(text)
	var lines: PackedStringArray = ($Log.text + "\n" + text).split("\n")
	$Log.text = "\n".join(lines.slice(-9))


func quit(text: String) -> void:
	note(text)
	if DisplayServer.get_name() == "headless":
		get_tree().quit()


# ---- What clients call on the server: it has the bodies.

@rpc("any_peer") func join(_name: String) -> void: pass
@rpc("any_peer", "unreliable") func move(_position: Vector2) -> void: pass
@rpc("any_peer") func say(_text: String) -> void: pass


# ---- What the server calls on clients.

@rpc
func player_joined(id: int, player_name: String, hue: float, at: Vector2) -> void:
	var player: Node2D = preload("res://player.tscn").instantiate()
	player.set_up(player_name, hue, at)
	$Players.add_child(player)
	players[id] = player
	player.name = str(id)
	note("* %s is here" % player_name)
	if "bot" in options and id != multiplayer.get_unique_id():
		say.rpc_id(1, "Hello %s!" % player_name)


@rpc
func player_left(id: int) -> void:
	note("* %s has left" % players[id].get_node("Name").text)
	players[id].queue_free()
	players.erase(id)


@rpc("unreliable")
func player_moved(id: int, at: Vector2) -> void:
	players[id].target = at
	if not players[id].has_meta("moved"):
		players[id].set_meta("moved", true)
		note("* %s walks" % players[id].get_node("Name").text)


@rpc
func heard(player_name: String, text: String) -> void:
	note("%s: %s" % [player_name, text])
	if "bot" in options and text == "Good night, %s!" % options.name:
		get_tree().quit()


@rpc
func refused(why: String) -> void:
	quit("The server says: " + why)

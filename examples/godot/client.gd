# The network side of the game, without any drawing: a WebSocketMultiplayerPeer that is polled here. What the server
# tells becomes `players` and signals. Messages are Arrays, the first element is their name.
extends RefCounted

signal joined
signal player_came(id: int)
signal player_left(id: int, name: String)
signal heard(id: int, name: String, text: String) # id 0 is the arena itself
signal ended(why: String) # also when joining did not work


class Player:
	var name := ""
	var hue := 0.0
	var position := Vector2.ZERO
	var facing := Vector2.RIGHT
	var seen := false # no state has shown it yet


const RADIUS := 18.0
const SERVER := 1 # the id of every server
const LATE := 0.1 # seconds: others are shown this long ago, so that there is a state on either side of the moment
const MOVES_PER_SECOND := 30.0
const WELCOME_SECONDS := 5.0

var players := {} # Player by id
var my_id := 0
var size := Vector2(960, 540)
var speed := 240.0

var _peer := WebSocketMultiplayerPeer.new()
var _status := MultiplayerPeer.CONNECTION_DISCONNECTED
var _url := ""
var _name := ""
var _refusal := ""
var _waiting := 0.0 # for the server's welcome
var _close_code := -1
var _close_reason := ""
var _states := [] # {time, positions by id}, the oldest first
var _server_clock_offset := INF # our clock minus the server's, in seconds
var _wanted := Vector2.ZERO
var _told := Vector2.ZERO
var _told_at := 0.0


func _init() -> void:
	_peer.peer_disconnected.connect(_remember_end)


func join(url: String, name: String) -> void:
	leave()
	_url = url
	_name = name
	_refusal = ""
	_close_code = -1
	_close_reason = ""
	if _peer.create_client(url) == OK:
		_status = MultiplayerPeer.CONNECTION_CONNECTING
	else:
		ended.emit("%s is no address of an arena (ws://host:port)." % url)


func leave() -> void:
	if _status == MultiplayerPeer.CONNECTION_CONNECTED:
		_peer.disconnect_peer(SERVER, true) # says goodbye, which close() does not
	_peer.close()
	_forget()


func is_in() -> bool:
	return my_id != 0


func steer(direction: Vector2) -> void:
	_wanted = direction.limit_length()


func say(text: String) -> void:
	text = text.strip_edges().left(200)
	if is_in() and text != "":
		_send(["chat", text])


# To be called in every frame.
func poll(delta: float) -> void:
	if _status == MultiplayerPeer.CONNECTION_DISCONNECTED:
		return
	_peer.poll()
	while _peer.get_available_packet_count() > 0:
		_hear(_peer.get_var())
	var before := _status
	if before == MultiplayerPeer.CONNECTION_DISCONNECTED:
		return # somebody who heard it has left
	_status = _peer.get_connection_status()
	if _status == MultiplayerPeer.CONNECTION_DISCONNECTED:
		var why := _why_it_ended(before)
		_forget()
		ended.emit(why)
		return
	if _status != before:
		_waiting = 0.0
		_peer.get_peer(SERVER).set_no_delay(true)
		_send(["join", _name])
	if not is_in() and _status == MultiplayerPeer.CONNECTION_CONNECTED:
		_waiting += delta
		if _waiting > WELCOME_SECONDS:
			leave()
			ended.emit("%s does not say welcome: perhaps it is no arena." % _url)
	elif is_in():
		_tell_direction()
		_show_others()
		_predict_myself(delta)


func _send(message: Array) -> void:
	_peer.set_target_peer(SERVER)
	_peer.put_var(message)


func _hear(message: Variant) -> void:
	match message:
		["welcome", var id, var width, var height, var units_per_second, ..]:
			my_id = id
			size = Vector2(width, height)
			speed = units_per_second
			joined.emit()
		["player", var id, var name, var hue]:
			var player := Player.new()
			player.name = name
			player.hue = hue
			players[id] = player
			player_came.emit(id)
		["gone", var id]:
			if id in players:
				var name: String = players[id].name
				players.erase(id)
				player_left.emit(id, name)
		["state", var milliseconds, var numbers]:
			_remember(milliseconds / 1000.0, numbers)
		["chat", var id, var name, var text]:
			heard.emit(id, name, text)
		["refused", var why]:
			_refusal = why


# Now the connection tells why it ended: it is gone after this poll.
func _remember_end(id: int) -> void:
	var connection := _peer.get_peer(id)
	_close_code = connection.get_close_code()
	_close_reason = connection.get_close_reason()


func _why_it_ended(before: int) -> String:
	if _refusal != "":
		return _refusal
	if before == MultiplayerPeer.CONNECTION_CONNECTING:
		return "Nobody answers at %s." % _url
	# A message that arrives together with the end is lost in Godot, hence the reason of the close frame.
	if _close_reason != "":
		return _close_reason
	return "The server went away." if _close_code >= 0 else "The connection to the server was lost."


func _forget() -> void:
	_status = MultiplayerPeer.CONNECTION_DISCONNECTED
	my_id = 0
	players.clear()
	_states.clear()
	_server_clock_offset = INF
	_wanted = Vector2.ZERO
	_told = Vector2.ZERO


func _tell_direction() -> void:
	if _wanted != _told and _now() - _told_at >= 1.0 / MOVES_PER_SECOND:
		_send(["move", _wanted.x, _wanted.y])
		_told = _wanted
		_told_at = _now()


func _now() -> float:
	return Time.get_ticks_usec() / 1e6


func _server_now() -> float:
	return _now() - _server_clock_offset


func _remember(time: float, numbers: PackedInt32Array) -> void:
	# The state that travelled fastest tells the offset best; the slow growth follows clocks that drift apart.
	var offset := _now() - time
	_server_clock_offset = minf(offset, lerpf(_server_clock_offset, offset, 0.01)) if _states else offset
	var positions := {}
	for i in range(0, numbers.size() - 2, 3):
		positions[numbers[i]] = Vector2(numbers[i + 1], numbers[i + 2]) / 16.0
	_states.append({ time = time, positions = positions })
	while _states.size() > 2 and _states[1].time < _server_now() - 2.0 * LATE:
		_states.pop_front()


func _show_others() -> void:
	if _states.is_empty():
		return
	var time := _server_now() - LATE
	var i := _states.size() - 1
	while i > 0 and _states[i].time > time:
		i -= 1
	var older: Dictionary = _states[i]
	var newer: Dictionary = _states[mini(i + 1, _states.size() - 1)]
	var share := clampf(inverse_lerp(older.time, newer.time, time), 0.0, 1.0) if newer.time > older.time else 1.0
	for id: int in players:
		if id == my_id or id not in newer.positions:
			continue
		var to: Vector2 = newer.positions[id]
		var from: Vector2 = older.positions.get(id, to)
		_place(players[id], from.lerp(to, share))


# One's own moves are shown at once: as far as the server will have us by now, which is where its last state leads.
func _predict_myself(delta: float) -> void:
	var player: Player = players.get(my_id)
	if player == null or _states.is_empty() or my_id not in _states[-1].positions:
		return
	var age := clampf(_server_now() - _states[-1].time, 0.0, 0.25)
	var there := _inside(_states[-1].positions[my_id] + _told * speed * age)
	var here := _inside(player.position + _wanted * speed * delta)
	if not player.seen or here.distance_to(there) > 100.0:
		here = there
	_place(player, here.lerp(there, 1.0 - exp(-8.0 * delta)))


func _inside(position: Vector2) -> Vector2:
	return position.clamp(Vector2(RADIUS, RADIUS), size - Vector2(RADIUS, RADIUS))


func _place(player: Player, position: Vector2) -> void:
	var way := position - player.position
	if player.seen and way.length() > 0.5:
		player.facing = way.normalized()
	player.position = position
	player.seen = true

# Draws the arena and who is in it.
extends Node2D

const Client := preload("res://client.gd")
const BUBBLE_SECONDS := 4.0

var client: Client

var _bubbles := {} # {text, until} by id
var _font := ThemeDB.fallback_font


func show_client(shown: Client) -> void:
	client = shown
	client.heard.connect(func(id: int, _name: String, text: String) -> void:
		_bubbles[id] = { text = text, until = Time.get_ticks_msec() / 1000.0 + BUBBLE_SECONDS })
	client.player_left.connect(func(id: int, _name: String) -> void: _bubbles.erase(id))
	client.ended.connect(func(_why: String) -> void: _bubbles.clear())


func _process(_delta: float) -> void:
	var room := get_viewport_rect().size
	var factor := minf(room.x / client.size.x, room.y / client.size.y)
	scale = Vector2(factor, factor)
	position = (room - client.size * factor) / 2.0
	queue_redraw()


func _draw() -> void:
	_draw_floor()
	var shown := client.players.keys().filter(func(id: int) -> bool: return client.players[id].seen)
	for id: int in shown:
		_draw_player(id, client.players[id])
	for id: int in shown:
		_draw_name(client.players[id])
	for id: int in shown:
		if id in _bubbles:
			_draw_bubble(client.players[id], _bubbles[id])


func _draw_floor() -> void:
	var floor_area := Rect2(Vector2.ZERO, client.size)
	draw_rect(floor_area, Color(0.06, 0.075, 0.12))
	for x in range(60, int(client.size.x), 60):
		draw_line(Vector2(x, 0), Vector2(x, client.size.y), Color(1, 1, 1, 0.035), 1.0)
	for y in range(60, int(client.size.y), 60):
		draw_line(Vector2(0, y), Vector2(client.size.x, y), Color(1, 1, 1, 0.035), 1.0)
	draw_rect(floor_area.grow(-1.5), Color(0.5, 0.65, 1, 0.3), false, 3.0)


func _draw_player(id: int, player: Client.Player) -> void:
	var at := player.position
	var radius := Client.RADIUS
	var color := Color.from_hsv(player.hue, 0.6, 0.95)
	_draw_disc(at + Vector2(0, 5), radius, Color(0, 0, 0, 0.35))
	if id == client.my_id:
		draw_arc(at, radius + 4.0, 0.0, TAU, 48, Color(1, 1, 1, 0.8), 2.0, true)
	_draw_disc(at, radius, color.darkened(0.35))
	_draw_disc(at, radius - 2.5, color)
	for side: float in [-1.0, 1.0]:
		var eye := at + player.facing * 8.0 + player.facing.orthogonal() * 5.5 * side
		_draw_disc(eye, 4.2, Color.WHITE)
		_draw_disc(eye + player.facing * 1.6, 2.1, Color(0.1, 0.1, 0.14))


func _draw_name(player: Client.Player) -> void:
	_draw_text(player.name, player.position + Vector2(0, Client.RADIUS + 19.0), 14, Color(1, 1, 1, 0.9))


func _draw_disc(at: Vector2, radius: float, color: Color) -> void:
	draw_circle(at, radius, color, true, -1.0, true)


func _draw_bubble(player: Client.Player, bubble: Dictionary) -> void:
	var left: float = bubble.until - Time.get_ticks_msec() / 1000.0
	if left <= 0.0:
		return
	var text: String = bubble.text if bubble.text.length() <= 48 else bubble.text.left(47) + "…"
	var opacity := minf(left * 2.0, 1.0)
	var half := _font.get_string_size(text, HORIZONTAL_ALIGNMENT_LEFT, -1, 14).x / 2.0 + 10.0
	# Beside the wall the bubble stays inside.
	var middle := Vector2(clampf(player.position.x, half + 6.0, client.size.x - half - 6.0),
		maxf(player.position.y - Client.RADIUS - 22.0, 18.0))
	var box := StyleBoxFlat.new()
	box.bg_color = Color(0.95, 0.96, 1.0, 0.95 * opacity)
	box.set_corner_radius_all(9)
	draw_style_box(box, Rect2(middle - Vector2(half, 13.0), Vector2(half * 2.0, 26.0)))
	_draw_text(text, middle + Vector2(0, 5.0), 14, Color(0.1, 0.11, 0.15, opacity))


# Centered at this point of the base line.
func _draw_text(text: String, at: Vector2, font_size: int, color: Color) -> void:
	var width := _font.get_string_size(text, HORIZONTAL_ALIGNMENT_LEFT, -1, font_size).x
	draw_string(_font, at - Vector2(width / 2.0, 0), text, HORIZONTAL_ALIGNMENT_LEFT, -1, font_size, color)

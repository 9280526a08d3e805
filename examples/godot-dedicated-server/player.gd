extends Node2D

const RADIUS := 18.0

var target := Vector2.ZERO # where the server says it is
var color := Color.WHITE


func set_up(player_name: String, hue: float, at: Vector2) -> void:
	$Name.text = player_name
	color = Color.from_hsv(hue, 0.6, 0.9)
	position = at
	target = at


func _process(delta: float) -> void:
	position = position.lerp(target, 1.0 - exp(-15.0 * delta))


func _draw() -> void:
	draw_circle(Vector2.ZERO, RADIUS, color)

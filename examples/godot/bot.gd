# Plays by itself, with or without a display: walks from place to place, answers in chat who says its name, and tells on
# the standard output what happens, one line each. It leaves when somebody says "bye" and its name, and presses the
# game's own button when it is out.
extends Node

const Client := preload("res://client.gd")
const MARK := "*beep* " # what bots say begins so: they do not answer each other for ever
const SECONDS_BETWEEN_LOOKS := 0.25

var client: Client
var bot_name := ""
var greeting := "" # said once in
var tries := 0 # how often it tries again when it is out
var try_again: Callable

var _goal := Vector2.INF
var _until_look := 0.0


func _ready() -> void:
	client.player_came.connect(_meet)
	client.player_left.connect(func(_id: int, who: String) -> void: _tell("does not see %s any more" % who))
	client.heard.connect(_hear)
	client.ended.connect(_end)


func _tell(text: String) -> void:
	print("%-8s %s" % [bot_name, text])


func _meet(id: int) -> void:
	if id == client.my_id:
		_tell("is in as peer %d" % id)
		client.say(greeting)
	else:
		_tell("sees %s" % client.players[id].name)


func _hear(id: int, who: String, text: String) -> void:
	_tell("hears %s: %s" % [who, text])
	if id == 0 or id == client.my_id or text.begins_with(MARK):
		return
	if text == "bye " + bot_name:
		client.leave()
		get_tree().quit()
	elif text.containsn(bot_name):
		client.say(MARK + "You called, %s?" % who)


func _end(why: String) -> void:
	_tell("is out: " + why)
	if tries > 0:
		tries -= 1
		get_tree().create_timer(0.5).timeout.connect(try_again)
	else:
		get_tree().quit(1)


func _process(delta: float) -> void:
	if client.my_id not in client.players or not client.players[client.my_id].seen:
		return
	var here: Vector2 = client.players[client.my_id].position
	if _goal == Vector2.INF or here.distance_to(_goal) < 10.0:
		var margin := Vector2(60, 60)
		_goal = margin + Vector2(randf(), randf()) * (client.size - margin * 2.0)
	client.steer(here.direction_to(_goal))
	_until_look -= delta
	if _until_look <= 0.0:
		_until_look = SECONDS_BETWEEN_LOOKS
		for id: int in client.players:
			var player: Client.Player = client.players[id]
			if player.seen:
				_tell("finds %s at %d %d" % [player.name, player.position.x, player.position.y])

# Puts the game together: the arena, the chat, and the door in front of it, which is also where one lands when the
# server goes away. What the command line can say: USAGE.
extends Control

const Client := preload("res://client.gd")
const Bot := preload("res://bot.gd")

const USAGE := """Arguments of the game come after --
  --join ws://HOST:PORT   joins at once
  --name NAME             up to 16 characters
  --bot                   plays by itself and prints what it sees; also without a display (--headless)
  --say TEXT              the bot says this when it is in
  --again N               the bot tries again so many times when it is out; then the program ends with status 1
  --seconds N             the program ends after so long"""

const CHAT_LINES := 6

var client := Client.new()
var bot: Bot

@onready var door: Control = %Door
@onready var message: Label = %Message
@onready var name_field: LineEdit = %Name
@onready var address_field: LineEdit = %Address
@onready var join_button: Button = %Join
@onready var chat_log: Label = %ChatLog
@onready var chat_field: LineEdit = %Chat
@onready var hint: Label = %Hint


func _ready() -> void:
	%Arena.show_client(client)
	client.joined.connect(_show_game)
	client.ended.connect(_show_door)
	client.player_came.connect(_update_hint.unbind(1))
	client.player_left.connect(func(_id: int, who: String) -> void: _log("%s left" % who))
	client.player_left.connect(_update_hint.unbind(2))
	client.heard.connect(func(id: int, who: String, text: String) -> void:
		_log(text if id == 0 else "%s: %s" % [who, text]))
	join_button.pressed.connect(_join)
	name_field.text_submitted.connect(_join.unbind(1))
	address_field.text_submitted.connect(_join.unbind(1))
	chat_field.text_submitted.connect(_say)
	chat_field.focus_exited.connect(chat_field.hide)
	_update_hint()
	name_field.grab_focus()
	var options := _read_arguments(OS.get_cmdline_user_args())
	if options.has("problem"):
		printerr("%s\n%s" % [options.problem, USAGE])
		get_tree().quit(2)
	else:
		_use(options)


func _use(options: Dictionary) -> void:
	name_field.text = options.get("name", name_field.text)
	address_field.text = options.get("join", address_field.text)
	if options.has("seconds"):
		get_tree().create_timer(float(options.seconds)).timeout.connect(func() -> void:
			client.leave()
			get_tree().quit())
	if options.has("bot"):
		bot = Bot.new()
		bot.client = client
		bot.bot_name = name_field.text
		bot.greeting = options.get("say", "")
		bot.tries = int(options.get("again", "0"))
		bot.try_again = func() -> void: join_button.pressed.emit()
		add_child(bot)
	if options.has("join"):
		_join()


# What was asked for, by its name without the dashes; "problem" is what is wrong with it.
func _read_arguments(words: PackedStringArray) -> Dictionary:
	var options := {}
	var i := 0
	while i < words.size():
		var option := words[i].trim_prefix("--")
		if words[i] == "--bot":
			options.bot = true
		elif words[i] not in ["--join", "--name", "--say", "--again", "--seconds"]:
			return { problem = "%s is not known." % words[i] }
		elif i + 1 == words.size():
			return { problem = "%s needs a value." % words[i] }
		else:
			i += 1
			options[option] = words[i]
		i += 1
	return options


func _notification(what: int) -> void:
	if what == NOTIFICATION_WM_CLOSE_REQUEST:
		client.leave()


func _process(delta: float) -> void:
	client.poll(delta)
	if client.is_in() and bot == null and not chat_field.visible:
		client.steer(_direction_of_keys())


func _direction_of_keys() -> Vector2:
	return Vector2(
		_pressed(KEY_D, KEY_RIGHT) - _pressed(KEY_A, KEY_LEFT),
		_pressed(KEY_S, KEY_DOWN) - _pressed(KEY_W, KEY_UP))


# By place on the keyboard, so that it is WASD's place everywhere.
func _pressed(key: Key, other: Key) -> float:
	return 1.0 if Input.is_physical_key_pressed(key) or Input.is_physical_key_pressed(other) else 0.0


func _unhandled_key_input(event: InputEvent) -> void:
	var key := event as InputEventKey
	if client.is_in() and key.pressed and not key.echo and key.keycode in [KEY_ENTER, KEY_KP_ENTER]:
		client.steer(Vector2.ZERO)
		chat_field.show()
		chat_field.grab_focus()
		get_viewport().set_input_as_handled()


func _input(event: InputEvent) -> void:
	if chat_field.visible and event.is_action_pressed("ui_cancel"):
		chat_field.clear()
		chat_field.hide()
		get_viewport().set_input_as_handled()


func _say(text: String) -> void:
	client.say(text)
	chat_field.clear()
	chat_field.hide()


func _join() -> void:
	message.text = "Joining …"
	join_button.disabled = true
	client.join(address_field.text.strip_edges(), name_field.text.strip_edges())


func _show_game() -> void:
	chat_log.text = ""
	door.hide()


func _show_door(why: String) -> void:
	message.text = why
	join_button.text = "Try again"
	join_button.disabled = false
	chat_field.hide()
	_update_hint()
	door.show()
	join_button.grab_focus()


func _log(line: String) -> void:
	var lines := chat_log.text.split("\n", false)
	lines.append(line.replace("\n", " "))
	chat_log.text = "\n".join(lines.slice(-CHAT_LINES))


func _update_hint() -> void:
	hint.text = "WASD or arrows: walk    Enter: chat    %d here" % client.players.size() if client.is_in() else ""

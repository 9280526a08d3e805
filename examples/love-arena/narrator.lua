-- Tells on the standard output what a client meets: for players without a window, and for tests.
return function(client)
  local function say(text, ...) print(("%-8s "):format(client.name) .. text:format(...)) end

  client:on("player", function(player)
    if player.id == client.id then say("is in as peer %d", player.id) else say("sees %s", player.name) end
  end)
  client:on("gone", function(player) say("does not see %s any more", player.name) end)
  client:on("chat", function(name, text) say("hears %s: %s", name, text) end)
  client:on("out", function(why) say("is out: %s", why) end)
end

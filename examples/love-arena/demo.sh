#!/bin/sh
# The arena all at once: a server, two bots, and a LÖVE window that has joined. Ends with the window.
#   demo.sh                  to play in; LUA= the Lua of server and bots
#   demo.sh --picture FILE   a picture of it instead, made on a display that nobody sees (Xvfb)
# LUA_PATH and LUA_CPATH have to lead to wsmultiplayer: `make love-demo` and `make love-picture` see to that.
set -u
here=$(dirname "$0")
lua=${LUA:-luajit}

picture=''
[ "${1:-}" = --picture ] && picture=$2
if [ -z "$picture" ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ "$(uname)" = Linux ]; then
  echo "There is no display here, so LÖVE cannot open a window. On a machine with a screen this would have shown the" >&2
  echo "game; without one, \`make love-picture\` makes a picture of it, and examples/love-arena/server.lua is a server." >&2
  exit 1
fi

scratch=$(mktemp -d) || exit 1
started=''
end() {
  trap - EXIT
  # shellcheck disable=SC2086 # a list of numbers
  [ -n "$started" ] && kill $started 2>/dev/null
  wait 2>/dev/null
  rm -rf "$scratch"
}
trap end EXIT
trap 'exit 130' INT TERM

"$lua" "$here/server.lua" 0 127.0.0.1 >"$scratch/server" 2>&1 &
started=$!
port=''
while [ -z "$port" ]; do
  kill -0 "$started" 2>/dev/null || { cat "$scratch/server" >&2; exit 1; }
  sleep 0.1
  port=$(sed -n 's/^the arena listens on port //p' "$scratch/server")
done
url=ws://127.0.0.1:$port
echo "The arena listens at $url. WASD or arrows move, Enter chats, Esc leaves; say hello to the bots."

bot() {
  "$lua" "$here/bot.lua" "$url" "$1" >/dev/null 2>&1 &
  started="$started $!"
}
bot Ada
bot Grace

if [ -z "$picture" ]; then
  love "$here" --join "$url" --name "${USER:-You}" &
  started="$started $!"
  wait $!
  exit
fi

bot Linus
bot Margaret
mkdir -p "$(dirname "$picture")"
LIBGL_ALWAYS_SOFTWARE=1 xvfb-run -a -s '-screen 0 1024x768x24' \
  love "$here" --join "$url" --name Rosa --autopilot --mute --say 'Hello, everyone!' \
  --screenshot "$picture" --players 5 --after 3.5

-- Keys and certificates for the TLS specs, as PEM texts. openssl makes them anew in each run, in a folder that is gone
-- again before anybody uses them.
--
--   certificates.root                  an authority; also other_root, and intermediate, which root signed
--   certificates.server "good"         TLSOptions of a server with that certificate and its key
--   certificates.path(pem)             the path of a file with this text, until certificates.remove_files()
--   certificates.good, .good_key       a certificate and its key, signed by root unless it says otherwise:
--     good      localhost, game.example, *.wild.example, 127.0.0.1 and ::1
--     rsa       the same with an RSA key                    named     localhost alone, no address
--     wrong     other.example                               expired   of 2020, for localhost
--     future    from the year 2090 on, for localhost        unknown   localhost, by other_root
--     deep      localhost, by intermediate                  self      localhost, by itself
--     chain     deep and intermediate in one text
local certificates = {}

local SCRIPT = [[
unset LD_PRELOAD
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
cat >config <<'END'
[req]
distinguished_name = any_name
prompt = no
[any_name]
CN = test
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
END
: >index
echo 1000 >serial
ec_key() {
  openssl ecparam -name prime256v1 -genkey -noout -out sec1 && openssl pkcs8 -topk8 -nocrypt -in sec1 -out "$1.key"
}
rsa_key() { openssl genrsa -out "$1.key" 2048; }
own() { # NAME COMMON_NAME EXTENSION...: a certificate that signs itself
  name=$1 subject=$2
  shift 2
  printf '%s\n' '[req]' 'distinguished_name = n' 'prompt = no' 'x509_extensions = x' '[n]' "CN = $subject" '[x]' \
    subjectKeyIdentifier=hash "$@" >"$name.config"
  ec_key "$name" &&
    openssl req -new -x509 -sha256 -days 30 -config "$name.config" -key "$name.key" -out "$name.pem"
}
signed() { # NAME AUTHORITY KEY FROM TO EXTENSION...
  name=$1 authority=$2 kind=$3 from=$4 to=$5
  shift 5
  printf '%s\n' subjectKeyIdentifier=hash authorityKeyIdentifier=keyid "$@" >"$name.extensions"
  "${kind}_key" "$name" &&
    openssl req -new -sha256 -config config -key "$name.key" -subj "/CN=$name" -out "$name.request" &&
    openssl ca -batch -notext -config config -cert "$authority.pem" -keyfile "$authority.key" \
      -startdate "$from" -enddate "$to" -extfile "$name.extensions" -in "$name.request" -out "$name.pem"
}
leaf() { # NAME AUTHORITY KEY NAMES
  signed "$1" "$2" "$3" 20200101000000Z 20490101000000Z basicConstraints=CA:FALSE "subjectAltName=$4"
}
make_all() {
  # Python from 3.13 on wants both of an authority.
  authority='basicConstraints=critical,CA:TRUE' usage='keyUsage=critical,keyCertSign,cRLSign'
  own root 'wsmultiplayer test root' "$authority" "$usage" &&
    own other_root 'wsmultiplayer other test root' "$authority" "$usage" &&
    signed intermediate root ec 20200101000000Z 20490101000000Z "$authority" "$usage" &&
    leaf good root ec 'DNS:localhost,DNS:game.example,DNS:*.wild.example,IP:127.0.0.1,IP:::1' &&
    leaf rsa root rsa 'DNS:localhost,DNS:game.example,IP:127.0.0.1,IP:::1' &&
    leaf named root ec DNS:localhost && leaf wrong root ec DNS:other.example &&
    leaf unknown other_root ec DNS:localhost && leaf deep intermediate ec DNS:localhost &&
    own self localhost basicConstraints=CA:FALSE subjectAltName=DNS:localhost &&
    signed expired root ec 20200101000000Z 20200201000000Z subjectAltName=DNS:localhost &&
    signed future root ec 20900101000000Z 20910101000000Z subjectAltName=DNS:localhost
}
if ! make_all >log 2>&1; then
  cat log
  exit 1
fi
for file in *.key *.pem; do
  case $file in
    [0-9]*) ;;
    *.key) echo "@${file%.key}_key" && cat "$file" ;;
    *) echo "@${file%.pem}" && cat "$file" ;;
  esac
done
]]

local function make()
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(SCRIPT)
  file:close()
  local pipe = assert(io.popen("sh " .. name .. " 2>&1"))
  local lines, texts, title = {}, {}, nil
  for line in pipe:lines() do
    lines[#lines + 1] = line
    title = line:match "^@(.+)" or title
    if title and line:sub(1, 1) ~= "@" then texts[title] = (texts[title] or "") .. line .. "\n" end
  end
  pipe:close()
  os.remove(name)
  if not texts.wrong then error("openssl failed:\n" .. table.concat(lines, "\n"), 0) end
  texts.chain = texts.deep .. texts.intermediate
  texts.chain_key = texts.deep_key
  return texts
end

-- busted gives each file of specs its own set of modules; this place outlives them.
local registry, place = debug.getregistry(), "certificates of the specs of wsmultiplayer"
registry[place] = registry[place] or make()
for name, text in pairs(registry[place]) do certificates[name] = text end

function certificates.server(name)
  return require("wsmultiplayer").TLSOptions.server(certificates[name .. "_key"], certificates[name])
end

local files = {}

function certificates.path(pem)
  local name = os.tmpname()
  files[#files + 1] = name
  local file = assert(io.open(name, "wb"))
  file:write(pem)
  file:close()
  return name
end

-- For after_each.
function certificates.remove_files()
  for i = #files, 1, -1 do os.remove(table.remove(files, i)) end
end

return certificates

-- Seeds for the parser of URLs.
return {
  seeds = {
    "ws://localhost", "wss://example.com/chat?room=1#top", "ws://127.0.0.1:8080/", "ws://[::1]:9080/a b", "example.com",
    "WS://User:Secret@Example.COM:80/%20?a=b://c", "wss://[fe80::1%25eth0]/", "ws://a@b@c:1", "http://x", "ws://x:0",
    "ws://x:65536", "ws://x:", "ws://", "ws://x/\1", "ws://x?y", "://x", "ws://[1.2.3.4]",
    "ws://\195\188.example/\195\188",
  },
  words = { "ws://", "wss://", "://", "@", ":80", ":443", "[::1]", "]", "%20", "?", "#", "//" },
}

/* libwebsockets, or a text that says where to get it: LuaRocks compiles these files without looking for it first. */
#ifndef WSM_LWS_H
#define WSM_LWS_H

#if defined(__has_include)
#if !__has_include(<libwebsockets.h>)
#error "libwebsockets.h was not found. Install libwebsockets 4.0 or newer with its headers: \
`apt install libwebsockets-dev`, `dnf install libwebsockets-devel`, `pacman -S libwebsockets`, `brew install libwebsockets` or \
`vcpkg install libwebsockets`; if it is somewhere else: `luarocks install wsmultiplayer LIBWEBSOCKETS_DIR=/its/prefix`"
/* Or GCC goes on, and its other complaints push this one out of sight. */
#include "libwebsockets.h: see above"
#endif
#endif

#include <libwebsockets.h>
#undef random /* a macro of its own on Windows */

#if LWS_LIBRARY_VERSION_NUMBER < 4000000
#error "This libwebsockets is older than 4.0. If a newer one is somewhere else: LIBWEBSOCKETS_DIR=/its/prefix"
#endif

#endif

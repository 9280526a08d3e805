---@meta _

-- Godot's errors, with the texts of ws.error_string.

---@class wsmultiplayer
local ws = {}

ws.OK = 0 -- OK
ws.FAILED = 1 -- Failed
ws.ERR_UNAVAILABLE = 2 -- Unavailable
ws.ERR_UNCONFIGURED = 3 -- Unconfigured
ws.ERR_UNAUTHORIZED = 4 -- Unauthorized
ws.ERR_PARAMETER_RANGE_ERROR = 5 -- Parameter out of range
ws.ERR_OUT_OF_MEMORY = 6 -- Out of memory
ws.ERR_FILE_NOT_FOUND = 7 -- File not found
ws.ERR_FILE_BAD_DRIVE = 8 -- File: Bad drive
ws.ERR_FILE_BAD_PATH = 9 -- File: Bad path
ws.ERR_FILE_NO_PERMISSION = 10 -- File: Permission denied
ws.ERR_FILE_ALREADY_IN_USE = 11 -- File already in use
ws.ERR_FILE_CANT_OPEN = 12 -- Can't open file
ws.ERR_FILE_CANT_WRITE = 13 -- Can't write file
ws.ERR_FILE_CANT_READ = 14 -- Can't read file
ws.ERR_FILE_UNRECOGNIZED = 15 -- File unrecognized
ws.ERR_FILE_CORRUPT = 16 -- File corrupt
ws.ERR_FILE_MISSING_DEPENDENCIES = 17 -- Missing dependencies for file
ws.ERR_FILE_EOF = 18 -- End of file
ws.ERR_CANT_OPEN = 19 -- Can't open
ws.ERR_CANT_CREATE = 20 -- Can't create
ws.ERR_QUERY_FAILED = 21 -- Query failed
ws.ERR_ALREADY_IN_USE = 22 -- Already in use
ws.ERR_LOCKED = 23 -- Locked
ws.ERR_TIMEOUT = 24 -- Timeout
ws.ERR_CANT_CONNECT = 25 -- Can't connect
ws.ERR_CANT_RESOLVE = 26 -- Can't resolve
ws.ERR_CONNECTION_ERROR = 27 -- Connection error
ws.ERR_CANT_ACQUIRE_RESOURCE = 28 -- Can't acquire resource
ws.ERR_CANT_FORK = 29 -- Can't fork
ws.ERR_INVALID_DATA = 30 -- Invalid data
ws.ERR_INVALID_PARAMETER = 31 -- Invalid parameter
ws.ERR_ALREADY_EXISTS = 32 -- Already exists
ws.ERR_DOES_NOT_EXIST = 33 -- Does not exist
ws.ERR_DATABASE_CANT_READ = 34 -- Can't read database
ws.ERR_DATABASE_CANT_WRITE = 35 -- Can't write database
ws.ERR_COMPILATION_FAILED = 36 -- Compilation failed
ws.ERR_METHOD_NOT_FOUND = 37 -- Method not found
ws.ERR_LINK_FAILED = 38 -- Link failed
ws.ERR_SCRIPT_FAILED = 39 -- Script failed
ws.ERR_CYCLIC_LINK = 40 -- Cyclic link detected
ws.ERR_INVALID_DECLARATION = 41 -- Invalid declaration
ws.ERR_DUPLICATE_SYMBOL = 42 -- Duplicate symbol
ws.ERR_PARSE_ERROR = 43 -- Parse error
ws.ERR_BUSY = 44 -- Busy
ws.ERR_SKIP = 45 -- Skip
ws.ERR_HELP = 46 -- Help
ws.ERR_BUG = 47 -- Bug
ws.ERR_PRINTER_ON_FIRE = 48 -- Printer on fire

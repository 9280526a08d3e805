---@meta _

--- A function that runs as a coroutine and can wait: made by `ws.spawn`.
---@class ws.Task
local Task = {}

--- Waits for its end. Raises in the task itself.
---@param timeout? number Seconds. Not given: as long as it takes.
---@return any ... What the function returned (`true` for nothing); or `nil` and its error, `"cancelled"` or `"timeout"`.
function Task:wait(timeout) end

--- Ends it where it waits; a running one, when it waits next.
---@return boolean ended `false` if it was done already.
function Task:cancel() end

--- Whether it has returned, failed or been cancelled.
---@return boolean done
function Task:is_done() end

--- What `wait` returns, once it is done.
---@return any ...
function Task:results() end

-- Loaded by busted before the specs: lets them require "support.x" from any working directory.
local here = debug.getinfo(1, "S").source:match("^@(.*)[/\\]support[/\\]helper%.lua$") or "./spec"
package.path = here .. "/?.lua;" .. package.path

-- Loaded once here, so that busted's per-file insulation does not load them again.
require "socket"
require "mime"

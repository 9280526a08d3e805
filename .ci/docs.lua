-- A filter for pandoc: links between the Markdown files become links between the pages, others lead to the repository.
local REPOSITORY = "https://github.com/wsmultiplayer/wsmultiplayer/tree/main/"
local in_docs = (os.getenv "FILE" or ""):find "^docs/" ~= nil

-- A path relative to the repository.
local function from_root(path)
  if not in_docs then return path end
  local above = path:match "^%.%./(.*)$"
  return above or "docs/" .. path
end

local function page_of(path)
  if path == "docs/README.md" or path == "docs/" or path == "docs" then return "index.html" end
  if path == "README.md" then return "about.html" end
  local name = path:match "^docs/([%w_-]+)%.md$"
  return name and name .. ".html"
end

local function target(url)
  if url:find "^%a+:" or url:find "^#" then return url end
  local path, part = url:match "^([^#]*)(.*)$"
  path = from_root(path)
  local page = page_of(path)
  if page then return page .. part end
  return path:match "^docs/(.*%.%l+)$" or REPOSITORY .. path .. part
end

function Link(link)
  link.target = target(link.target)
  return link
end

function Image(image)
  image.src = target(image.src)
  return image
end

-- The way back to the index.
function Pandoc(doc)
  table.insert(doc.blocks, 1, pandoc.Para { pandoc.Link("wsmultiplayer", "index.html") })
  return doc
end

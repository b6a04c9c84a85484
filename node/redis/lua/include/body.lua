-- Builds an event's body: a msgpack map whose pairs stand in the order they were given, so that equal events are equal bytes.
-- Fewer than 15 pairs: `seq` has to find room in the fixmap on its way to the client. A value that is {raw = …} is msgpack already.
-- `open`: so many pairs will be put behind by somebody else.
local function body(pairs_in_order, open)
  local parts = {}
  for i = 1, #pairs_in_order, 2 do
    local value = pairs_in_order[i + 1]
    parts[#parts + 1] = cmsgpack.pack(pairs_in_order[i])
    parts[#parts + 1] = type(value) == 'table' and value.raw or cmsgpack.pack(value)
  end
  return string.char(0x80 + #pairs_in_order / 2 + (open or 0)) .. table.concat(parts)
end

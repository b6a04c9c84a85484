-- Builds an event's body: a msgpack map whose pairs stand in the order they were given, so that equal events are equal bytes.
-- Fewer than 15 pairs: `seq` has to find room in the fixmap on its way to the client.
local function body(pairs_in_order)
  local parts = {}
  for i = 1, #pairs_in_order, 2 do
    parts[#parts + 1] = cmsgpack.pack(pairs_in_order[i])
    parts[#parts + 1] = cmsgpack.pack(pairs_in_order[i + 1])
  end
  return string.char(0x80 + #pairs_in_order / 2) .. table.concat(parts)
end

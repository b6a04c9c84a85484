-- Builds an event's body: a msgpack map whose pairs stand in the order they were given, so that equal events are equal bytes.
-- Fewer than 15 pairs: `seq` has to find room in the fixmap on its way to the client. A value that is {raw = …} is msgpack already.
-- `open`: so many pairs will be put behind by somebody else.
local function body(pairs_in_order, open)
  local parts, from, n = {string.char(0x80 + #pairs_in_order / 2 + (open or 0))}, 1, #pairs_in_order
  for i = 2, n, 2 do
    local value = pairs_in_order[i]
    if type(value) == 'table' then
      parts[#parts + 1] = cmsgpack.pack(unpack(pairs_in_order, from, i - 1))
      parts[#parts + 1] = value.raw
      from = i + 1
    end
  end
  if from <= n then parts[#parts + 1] = cmsgpack.pack(unpack(pairs_in_order, from, n)) end
  return table.concat(parts)
end

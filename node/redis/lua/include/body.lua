-- Builds an event's body: a msgpack map whose pairs stand in the order they were given, so that equal events are equal bytes.
-- Fewer than 15 pairs: `seq` has to find room in the fixmap on its way to the client. A value that is {raw = …} is msgpack already.
-- `open`: so many pairs will be put behind by somebody else.
-- cmsgpack makes a string of each value: what is always the same is written as msgpack here.
local function pairs_put(parts, pairs_in_order)
  local from, n = 1, #pairs_in_order
  for i = 2, n, 2 do
    local value = pairs_in_order[i]
    if type(value) == 'table' then
      parts[#parts + 1] = cmsgpack.pack(unpack(pairs_in_order, from, i - 1))
      parts[#parts + 1] = value.raw
      from = i + 1
    end
  end
  if from <= n then parts[#parts + 1] = cmsgpack.pack(unpack(pairs_in_order, from, n)) end
end

local function body(pairs_in_order, open)
  local parts = {string.char(0x80 + #pairs_in_order / 2 + (open or 0))}
  pairs_put(parts, pairs_in_order)
  return table.concat(parts)
end

-- Of a change of a call: `type`, `call` and `version` come first.
local function body_of_call(call, name, pairs_in_order, open)
  local parts = {string.char(0x83 + #pairs_in_order / 2 + (open or 0)) .. '\164type' .. cmsgpack.pack(name) .. '\164call' .. cmsgpack.pack(call.id)
    .. '\167version' .. cmsgpack.pack(call.version)}
  pairs_put(parts, pairs_in_order)
  return table.concat(parts)
end

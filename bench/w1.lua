-- W1 by hand in Lua, for LuaJIT: the measure that DESIGN 9 sets W1 against. Prints the same line as the C++ programs.
local n = tonumber(arg[1]) or 1000000
local start = os.clock()
local i, total, mode, label, half = 0, 0, "", "", n / 2
while i < n do
  if i < half then mode = "a" else mode = "b" end
  total = total + i
  i = i + 1
  label = "item-" .. i .. "-" .. mode .. "-" .. string.format("%d", total)
end
local seconds = os.clock() - start
local rss = 0
for line in io.lines("/proc/self/status") do
  local kb = line:match("^VmHWM:%s+(%d+)")
  if kb then rss = kb / 1024 end
end
print(string.format('{"result": "%s", "seconds": %.9f, "cpu_seconds": %.6f, "peak_rss_mb": %.2f}', label, seconds, seconds, rss))

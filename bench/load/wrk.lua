-- Sends the lines of BENCH_REQUESTS (METHOD PATH [BODY]) in turn; the serial in a line becomes a number never sent before.
-- BENCH_TOKEN may be several tokens, which the lines have in turn; BENCH_KEY is an Idempotency-Key, which may have a serial.
local SERIAL = "0SERIAL00"
local sent, next_line, serial = {}, 0, 0

function init(_)
  local headers = {}
  local key = os.getenv("BENCH_KEY") or ""
  if key ~= "" then headers["Idempotency-Key"] = key end
  local tokens = {}
  for token in (os.getenv("BENCH_TOKEN") or ""):gmatch("%S+") do tokens[#tokens + 1] = token end
  for line in io.lines(os.getenv("BENCH_REQUESTS")) do
    local method, path, body = line:match("^(%S+) (%S+) ?(.*)$")
    local has_body = body ~= ""
    if #tokens > 0 then headers["Authorization"] = "Bearer " .. tokens[#sent % #tokens + 1] end
    headers["Content-Type"] = has_body and "application/json" or nil
    local request = wrk.format(method, path, headers, has_body and body or nil)
    sent[#sent + 1] = { text = request, changes = request:find(SERIAL, 1, true) }
  end
  serial = tonumber(os.getenv("BENCH_SERIAL"))
  next_line = math.floor(serial / 1000000) * 7 % #sent
end

function request()
  next_line = next_line % #sent + 1
  local found = sent[next_line]
  if not found.changes then return found.text end
  serial = serial + 1
  return (found.text:gsub(SERIAL, string.format("%09d", serial)))
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "errors": %d, "p50": %.4f, "p99": %.4f}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end

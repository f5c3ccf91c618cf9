# One line per finished package and per top-level test of a lane that shows its tests, from the events of go test -json
# (read as raw lines, so that anything else on the stream is passed over).
(fromjson? // empty)
| if .Action == "build-output" then .Output
  elif .Action == "output" and .Test == null and (.Output | test("^(PASS|coverage:|\\?)") | not) then .Output
  elif $each == "yes" and .Test != null and (.Test | contains("/") | not) and (.Action | IN("pass", "fail", "skip"))
  then "    \(.Action) \(.Test) \(.Elapsed)s\n"
  else empty
  end

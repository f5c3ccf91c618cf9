# One line per finished package, and per test and subtest of a lane that shows them, from the events of go test -json
# (read as raw lines, so that anything else on the stream is passed over).
(fromjson? // empty)
| if .Action == "build-output" then .Output
  elif .Action == "output" and .Test == null and (.Output | test("^(PASS|coverage:|\\?)") | not) then .Output
  elif .Test != null and ($show == "subtests" or ($show == "tests" and (.Test | contains("/") | not))) and (.Action | IN("pass", "fail", "skip"))
  then "    \(.Action) \(.Test) \(.Elapsed)s\n"
  else empty
  end

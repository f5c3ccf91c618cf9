# What the events of go test -json add up to: the output of what failed, what was skipped and why, and the counts per lane.
# Tests with subtests count as well as their subtests; a package that fails without a failed test (it did not build, or it
# died) counts as one failure. $allowed is the text of make/skips. The corpus is no part of the repository, so any test may
# skip for want of it.

def lane: if test("/vedette/(bpf|collector/linux|test/kernels)(/|$)") then "eBPF"
          elif contains("/vedette/test") then "end to end"
          else "unit" end;
def short: sub("^github.com/vedette-edr/vedette/"; "");
# A test that runs in two lanes counts once, by its worse outcome: failed, then passed, then skipped.
def worse($new): if .action == "fail" or (.action == "pass" and $new.action == "skip") then . else $new end;
# All of a long output is in build/test; its beginning and its end mostly say what happened.
def clipped: if length <= 160 then . else .[:80] + ["    ... \(length - 160) lines are left out, see build/test ...\n"] + .[-80:] end | join("");

($allowed | [splits("\n") | select(test("^[^#\\s]")) | [splits("\\s+")][0]]) as $known
| reduce inputs as $e ({tests: {}, packages: {}, output: {}};
    ($e.Package // $e.ImportPath // "" | sub(" .*"; "")) as $package
    | "\($package):\($e.Test // "")" as $name
    | if $e.Action == "output" or $e.Action == "build-output" then .output[$name] += [$e.Output]
      elif $e.Action | IN("pass", "fail", "skip") then
        if $e.Test then .tests[$name] |= worse({package: $package, test: $e.Test, action: $e.Action})
        else .packages[$package] |= (if . == "fail" then . else $e.Action end) end
      else . end)
| .output as $output
| [.tests | to_entries[]] as $tests
| ([$tests[] | select(.value.action == "fail") | .value.package] | unique) as $explained
| [.packages | to_entries[] | select(.value == "fail" and (.key | IN($explained[]) | not)) | .key] as $died
| [$tests[] | select(.value.action == "skip") | .value + {
      name: (.value.package + ":" + .value.test | short),
      reason: ([$output[.key][]? | select(test("^\\s*(===|---) ") | not) | gsub("^\\s+|\\s+$"; "")] | join(" "))}] as $skips
| [$skips[] | select((.name | IN($known[])) or (.reason | contains("the corpus is not at hand")) | not)] as $unexpected
| ([$tests[] | .value | {lane: (.package | lane), action}] + [$died[] | {lane: lane, action: "fail"}]) as $results
| def count($lane; $action): [$results[] | select((.lane == $lane or $lane == "") and .action == $action)] | length;
  def counts($lane): "\(count($lane; "pass")) passed, \(count($lane; "fail")) failed, \(count($lane; "skip")) skipped";
  ([$tests[] | select(.value.action == "fail")] | map("\nFAILED \(.key | short)\n\($output[.key] // [] | clipped)") | .[]),
  ([$died[] | "\nFAILED \(short)\n\($output[. + ":"] // [] | clipped)"] | .[]),
  "",
  ($skips[] | "skipped \(.name): \(.reason)"),
  ($unexpected[] | "NOT ALLOWED to skip (make/skips): \(.name)"),
  ("unit", "eBPF", "end to end" | "\(.): \(counts(.))"),
  counts(""),
  (if ($died | length) + count(""; "fail") + ($unexpected | length) > 0 or count(""; "pass") == 0 then "FAIL" else "OK" end)

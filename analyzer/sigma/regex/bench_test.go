package regex_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/sigma/regex"
)

// commandLines are of about 150 bytes, as processes are started with.
func commandLines() []string {
	return []string{
		`"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe" --type=renderer --field-trial-handle=1704,i,1024 --lang=en-US --device-scale-factor=1.25 /prefetch:1`,
		`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -NoProfile -ExecutionPolicy Bypass -File "C:\ProgramData\Agent\scripts\inventory.ps1" -Quiet`,
		`rundll32.exe C:\Windows\system32\PcaSvc.dll,PcaPatchSdbTask && cmd.exe /c "set x=1 & start /b wscript.exe //B //NoLogo C:\Users\alice\AppData\Local\a.vbs"`,
		`/usr/bin/python3 /usr/lib/python3/dist-packages/unattended-upgrade --download-only --verbose --log-file=/var/log/unattended-upgrades/out.log --now`,
		`C:\Windows\system32\svchost.exe -k LocalServiceNetworkRestricted -p -s TimeBrokerSvc -token 3f2504e04f8911d39a0c0305e82c3301aabbccdd -id {1F2504E0-4F89}`,
	}
}

func BenchmarkMatch(b *testing.B) {
	long := []string{strings.Repeat(strings.Join(commandLines(), " "), 6)[:4096]}
	for _, source := range []string{
		`\s[a-f0-9]{64}\s.*`, `[\w\-]{120,}`, `.{1000,}`, `(?i)[a-z0-9+/]{60,}={0,2}"`, `(?:\s-[^-\s]{0,20}d|\s--directory\s)x`,
		`\w+` + "`" + `(?:\w+|-|.)` + "`" + `[\w+|\s]`, `\{.*\{.*\{.*\{`, `(?i)\bnet1?\b.*\buser\b`, `[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}`,
		`(?i)echo.*clip.*&&`, `:[^ \\]`, `(^|/)\.[^./]`, `\\[a-zA-Z]{8}\.tmp$`, `(?:a?){20}a{20}`, `(a+)+$`, `(?i)[аеёиоуыэюя]{3}x`,
	} {
		r := compile(b, source, regex.Flags{})
		b.Run("of150/"+source, func(b *testing.B) { compare(b, r, commandLines()) })
		b.Run("of4096/"+source, func(b *testing.B) { compare(b, r, long) })
	}
}

// compare runs Match over texts, and reports the time for a byte and how many times that package regexp takes, in the same
// run.
func compare(b *testing.B, r *regex.Regex, texts []string) {
	b.ReportAllocs()
	size := 0
	for _, text := range texts {
		r.Match(text)
		r.Match(text)
		size += len(text)
	}
	for b.Loop() {
		for _, text := range texts {
			r.Match(text)
		}
	}
	ours := float64(b.Elapsed()) / float64(b.N)
	start := time.Now()
	rounds := 0
	for ; rounds < 3 || time.Since(start) < 20*time.Millisecond; rounds++ {
		for _, text := range texts {
			r.MatchReference(text)
		}
	}
	theirs := float64(time.Since(start)) / float64(rounds)
	b.ReportMetric(ours/float64(size), "ns/byte")
	b.ReportMetric(theirs/ours, "times-faster")
}
